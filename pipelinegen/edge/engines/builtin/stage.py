"""One stage as it is built: each instruction changes its settings, and some put a layer on top of its files."""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from pipelinegen.edge.engines.builtin.copying import ArchiveFolder, Copying
from pipelinegen.edge.engines.builtin.layer import ROOT, Files, Layer, Owner
from pipelinegen.edge.engines.builtin.modes import Mode, read_mode
from pipelinegen.edge.engines.builtin.owners import owner_of
from pipelinegen.edge.engines.builtin.settings import Settings, exposed, health, is_signal
from pipelinegen.edge.filesystem import LayeredFiles
from pipelinegen.edge.layout import Descriptor, Layout
from pipelinegen.errors import InputError
from pipelinegen.images.dockerfile import Heredoc, Instruction, Place, Word, announced_by
from pipelinegen.images.patterns import clean
from pipelinegen.images.words import BadWord, expand, expand_document, expand_words


class Surroundings(NamedTuple):
    """What the stages of one build share. `created` is in seconds and as it is written."""

    layout: Layout
    scratch: Path
    escape: str
    seconds: int
    created: str
    build_args: Mapping[str, str]
    global_args: Mapping[str, str]
    tell: Callable[[str], object]


class Bad(Exception):
    """An instruction that cannot be carried out, and which word of it is to blame, if one is."""

    def __init__(self, what: str, place: Place | None = None) -> None:
        super().__init__(what)
        self.what = what
        self.place = place


@dataclass(slots=True)
class Built:
    """What a stage is: files, layers, settings, and the variables that those built upon it see."""

    files: LayeredFiles
    layers: list[Descriptor]
    settings: Settings
    arguments: dict[str, str]

    def upon(self) -> Built:
        """What the next stage begins with."""
        settings = Settings(self.settings.content)
        seen = settings.variables()
        arguments = {name: value for name, value in self.arguments.items() if name not in seen}
        return Built(LayeredFiles(self.files.paths), list(self.layers), settings, arguments)


class StageBuild:
    """Carries out the instructions of one stage."""

    def __init__(self, start: Built, around: Surroundings, files_of: Callable[[Instruction], Files]) -> None:
        self.built = start
        self._around = around
        self._files_of = files_of
        self._has_command = False
        start.settings.begin()
        self._steps: Mapping[str, Callable[[Instruction], None]] = {
            "ADD": self._copy,
            "ARG": self._arg,
            "CMD": self._cmd,
            "COPY": self._copy,
            "ENTRYPOINT": self._entrypoint,
            "ENV": self._env,
            "EXPOSE": self._expose,
            "HEALTHCHECK": self._healthcheck,
            "LABEL": self._label,
            "MAINTAINER": self._maintainer,
            "SHELL": self._shell,
            "STOPSIGNAL": self._stopsignal,
            "USER": self._user,
            "VOLUME": self._volume,
            "WORKDIR": self._workdir,
        }

    def carry_out(self, instruction: Instruction) -> None:
        """Raises Bad, InputError, WorldError."""
        try:
            self._steps[instruction.name](instruction)
        except BadWord as error:
            raise Bad(error.reason) from None

    # Words.

    def _variables(self) -> dict[str, str]:
        return {**self.built.settings.variables(), **self.built.arguments}

    def _expand(self, text: str) -> str:
        return expand(text, self._variables(), self._around.escape)

    def _words(self, instruction: Instruction) -> list[str]:
        return [self._expand(word.text) for word in instruction.words]

    def _pairs(self, instruction: Instruction) -> dict[str, str]:
        """All with the variables as they were before the instruction: `ENV a=1 b=$a` has the old a in b."""
        return {self._expand(pair.name): self._expand(pair.value or "") for pair in instruction.pairs}

    def _note(self, step: str) -> None:
        self.built.settings.note(self._around.created, step)

    # Settings.

    def _arg(self, instruction: Instruction) -> None:
        around = self._around
        noted = []
        for pair in instruction.pairs:
            value = around.build_args.get(pair.name)
            if value is None:
                value = around.global_args.get(pair.name) if pair.value is None else self._expand(pair.value)
            if value is not None:
                self.built.arguments[pair.name] = value
            noted.append(pair.name if value is None else f"{pair.name}={value}")
        self._note(f"ARG {' '.join(noted)}")

    def _env(self, instruction: Instruction) -> None:
        pairs = self._pairs(instruction)
        for name, value in pairs.items():
            self.built.settings.set_variable(name, value)
            self.built.arguments.pop(name, None)  # the later of ARG and ENV is seen
        self._note(f"ENV {_shown(pairs)}")

    def _label(self, instruction: Instruction) -> None:
        pairs = self._pairs(instruction)
        values = self.built.settings.values
        values["Labels"] = {**(values.get("Labels") or {}), **pairs}
        self._note(f"LABEL {_shown(pairs)}")

    def _cmd(self, instruction: Instruction) -> None:
        command = self._command(instruction)
        self.built.settings.values["Cmd"] = command
        self._has_command = True
        self._note(f"CMD {_listed(command)}")

    def _entrypoint(self, instruction: Instruction) -> None:
        command = self._command(instruction)
        self.built.settings.values["Entrypoint"] = command
        if not self._has_command:
            # The command of the base was meant for the base's entrypoint.
            self.built.settings.values.pop("Cmd", None)
        self._note(f"ENTRYPOINT {_listed(command)}")

    def _command(self, instruction: Instruction) -> list[str]:
        words = [word.text for word in instruction.words]
        return self.built.settings.command(words, is_json=instruction.is_json)

    def _expose(self, instruction: Instruction) -> None:
        variables = self._variables()
        words = sorted(word.text for word in instruction.words)
        texts = [text for word in words for text in expand_words(word, variables, self._around.escape)]
        ports = [port for text in texts for port in exposed(text)]
        self.built.settings.add("ExposedPorts", ports)
        self._note(f"EXPOSE {_listed(ports)}")

    def _volume(self, instruction: Instruction) -> None:
        volumes = [volume.strip() for volume in self._words(instruction)]
        if not all(volumes):
            raise Bad("the path of a VOLUME is empty")
        self.built.settings.add("Volumes", volumes)
        self._note(f"VOLUME {_listed(volumes)}")

    def _healthcheck(self, instruction: Instruction) -> None:
        kind, *words = (word.text for word in instruction.words)
        command = ["NONE"]
        if kind.upper() == "CMD":
            command = ["CMD" if instruction.is_json else "CMD-SHELL", *words]
        times = {name: flag[0].text for name, flag in instruction.flags.items()}
        self.built.settings.values["Healthcheck"] = health(command, times)
        self._note(f"HEALTHCHECK {_listed(command)}")

    def _maintainer(self, instruction: Instruction) -> None:
        self.built.settings.content["author"] = instruction.words[0].text
        self._note(f"MAINTAINER {instruction.words[0].text}")

    def _shell(self, instruction: Instruction) -> None:
        words = [word.text for word in instruction.words]
        self.built.settings.values["Shell"] = words
        self._note(f"SHELL {_listed(words)}")

    def _stopsignal(self, instruction: Instruction) -> None:
        signal = self._expand(instruction.words[0].text)
        if not is_signal(signal):
            raise Bad(f"{signal} is no signal: SIGTERM, or a number", instruction.words[0].place)
        self.built.settings.values["StopSignal"] = signal
        self._note(f"STOPSIGNAL {signal}")

    def _user(self, instruction: Instruction) -> None:
        user = self._expand(instruction.words[0].text)
        self.built.settings.values["User"] = user
        self._note(f"USER {user}")

    # Layers.

    def _workdir(self, instruction: Instruction) -> None:
        values = self.built.settings.values
        folder = clean(posixpath.join(values.get("WorkingDir") or "/", self._expand(instruction.words[0].text)))
        folder = folder if folder.startswith("/") else f"/{folder}"
        values["WorkingDir"] = folder
        layer = self._layer()
        user = values.get("User") or ""
        layer.make_folder(folder, owner=owner_of(user, self.built.files) or ROOT)
        self._finish(layer, f"WORKDIR {folder}")

    def _copy(self, instruction: Instruction) -> None:
        *sources, target = self._words(instruction)
        target = self._target(target)
        step = self._described(instruction, [*sources, target])
        files = self._files_of(instruction)
        layer = self._layer()
        copying = Copying(layer, self._chown(instruction), self._chmod(instruction))
        if len(sources) > 1 and not copying.is_folder(target):
            raise Bad("with several sources the target is a folder: end it with /", instruction.words[-1].place)
        unpacks = instruction.name == "ADD" and not _is_off(instruction, "unpack")
        archives = ArchiveFolder(self._around.scratch) if unpacks else None
        documents = {document.name: document for document in instruction.heredocs}
        count = 0
        for word, source in zip(instruction.words[:-1], sources, strict=True):
            announced = announced_by(word.text) if documents else None
            if announced is not None:
                count += self._document(documents[announced.name], copying, target)
            else:
                count += self._copied(word, lambda: copying.copy(files, source, target, archives))  # noqa: B023
        if count == 0:
            self._around.tell(f"{step}: no file fits")
        self._finish(layer, step)

    def _document(self, document: Heredoc, copying: Copying, target: str) -> int:
        text = expand_document(document.content, self._variables()) if document.expands else document.content
        copying.document(document.name, text.encode(), target)
        return 1

    def _copied(self, word: Word, copy: Callable[[], int]) -> int:
        """What goes wrong with a source is told at its word."""
        try:
            return copy()
        except InputError as error:
            if error.id != "bad-dockerfile":
                raise
            raise Bad(error.what, word.place) from None

    def _layer(self) -> Layer:
        return Layer(self.built.files, self._around.seconds, self._around.scratch / "layer")

    def _finish(self, layer: Layer, step: str) -> None:
        if not layer:
            layer.drop()
            self._note(step)
            return
        packed = layer.write(self._around.layout)
        self.built.layers.append(packed.descriptor)
        self.built.settings.note(self._around.created, step, diff_id=packed.diff_id)

    def _target(self, text: str) -> str:
        """Absolute; a slash or dot at its end, which says that it is a folder, stays."""
        folder = self.built.settings.values.get("WorkingDir") or "/"
        end = "/" if text in ("", ".") or text.endswith(("/", "/.")) else ""
        path = clean(posixpath.join(folder, text))
        return f"{path.rstrip('/')}{end}" or "/"

    def _described(self, instruction: Instruction, words: list[str]) -> str:
        flags = [f"--{name}={flag[0].text}" for name, flag in instruction.flags.items() if name != "link"]
        return " ".join([instruction.name, *flags, *words])

    def _chown(self, instruction: Instruction) -> Owner | None:
        flag = instruction.flag("chown")
        text = self._expand(flag.text) if flag is not None else ""
        if not text or flag is None:
            return None
        owner = owner_of(text, self.built.files)
        if owner is None:
            raise Bad(f"the image knows no user or group {text} (/etc/passwd, /etc/group)", flag.place)
        return owner

    def _chmod(self, instruction: Instruction) -> Mode | None:
        flag = instruction.flag("chmod")
        text = self._expand(flag.text) if flag is not None else ""
        if not text or flag is None:
            return None
        mode = read_mode(text)
        if mode is None:
            raise Bad(f"{text} is no mode: 755, or u=rwX,go=rX", flag.place)
        return mode


def _is_off(instruction: Instruction, flag: str) -> bool:
    word = instruction.flag(flag)
    return word is not None and word.text == "false"


def _shown(pairs: Mapping[str, str]) -> str:
    return " ".join(f"{name}={value}" for name, value in pairs.items())


def _listed(words: list[str]) -> str:
    import json

    return json.dumps(words, ensure_ascii=False)
