"""The entry of the command: errors to exit codes, and nothing that a user causes to a traceback."""

from __future__ import annotations

import os
import sys

from pipelinegen import __version__


def main() -> None:
    """Run the command line and exit with its code."""
    _open_standard_streams()
    if sys.argv[1:] in (["--version"], ["-V"]):
        print(f"pipelinegen {__version__}")  # noqa: T201 - worth no import of the command line
        sys.exit(0)
    code = _run()
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        code = _broken_pipe()
    sys.exit(code)


def _open_standard_streams() -> None:
    """Give us the three standard streams where we were started without one (cron, odd runners).

    Else the next file or pipe that is opened takes its number, and is taken for it by every program we start.
    """
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:  # noqa: PERF203 - three times
            os.open(os.devnull, os.O_RDWR)  # the lowest free number
            os.set_inheritable(number, True)
    sys.stdin, sys.stdout, sys.stderr = (
        stream or open(number, mode)  # noqa: SIM115 - as long as the process
        for number, (stream, mode) in enumerate(((sys.stdin, "r"), (sys.stdout, "w"), (sys.stderr, "w")))
    )


def _run() -> int:
    from pipelinegen.edge.process import Interrupted, raise_on_signals
    from pipelinegen.quick import bump_options

    raise_on_signals()
    try:
        options = bump_options(sys.argv[1:], os.environ)
        if options is not None:
            import gc

            from pipelinegen import calls

            gc.disable()  # a run ends before garbage matters, and looking for it costs a tenth of a large bump
            return calls.bump(options)
        from pipelinegen.cli import run

        return run()
    except Interrupted as stop:
        if stop.state:
            from pipelinegen.report import Report

            Report().say(f"interrupted: {stop.state}")
        return stop.exit_code
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        return _broken_pipe()
    except Exception as error:  # noqa: BLE001 - the one place where a defect becomes a file and an exit code
        from pipelinegen.defect import save

        return save(error)


def _broken_pipe() -> int:
    """The reader of our output is gone (`| head`): silence, and the code that a shell gives to SIGPIPE."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 141


if __name__ == "__main__":
    main()
