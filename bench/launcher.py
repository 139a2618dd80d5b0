"""A small process that starts what is measured: JSON requests on standard input, one measurement a line on output.

A child inherits the peak memory of the process that started it (Linux counts it until exec), so the benchmark itself,
which is larger than what it measures, must not be the parent. Run as a script under `python -I -S`.
"""

import json
import os
import sys
import time

_READ, _WRITE = os.O_RDONLY, os.O_WRONLY | os.O_CREAT | os.O_TRUNC


def _measure(request: dict) -> dict:  # type: ignore[type-arg]
    os.chdir(request["cwd"])
    files = [
        (os.POSIX_SPAWN_OPEN, 0, os.devnull, _READ, 0),
        (os.POSIX_SPAWN_OPEN, 1, request["stdout"], _WRITE, 0o600),
        (os.POSIX_SPAWN_OPEN, 2, request["stderr"], _WRITE, 0o600),
    ]
    start = time.perf_counter()
    process = os.posix_spawnp(request["argv"][0], request["argv"], request["env"], file_actions=files)
    _, status, usage = os.wait4(process, 0)
    wall = time.perf_counter() - start
    # Of wait4 on Linux: the times and the peak of the child and of all descendants that it waited for.
    return {
        "code": os.waitstatus_to_exitcode(status),
        "wall": wall,
        "cpu": usage.ru_utime + usage.ru_stime,
        "peak": usage.ru_maxrss * 1024,
    }


for line in sys.stdin:
    answer = json.dumps(_measure(json.loads(line))) + "\n"
    try:
        os.write(1, answer.encode())
    except BrokenPipeError:  # the benchmark was ended
        break
