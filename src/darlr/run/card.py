"""The model card of a run: training data, judging, limits, cost and licences.

It follows Mitchell et al., *Model Cards for Model Reporting*, FAT* 2019. Everything comes from the run folder. Nothing is
measured anew, and a figure that the run did not record is left out.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from darlr.artifacts import RunFolder
from darlr.artifacts.beginning import WARM_START
from darlr.artifacts.run_folder import SUMMARY
from darlr.config.constraints import documented
from darlr.config.loading import value_at
from darlr.data.readers.folder_settings import SETTINGS, read_settings
from darlr.data.registry import IN_MEMORY, SOURCES
from darlr.errors import InputError
from darlr.evaluation.finished import read_summary
from darlr.evaluation.modes import NX_0
from darlr.methods.experiment import default_config, experiment_type
from darlr.report.analysis.against_lists import headline
from darlr.report.analysis.criteria import CRITERIA, judging_mode
from darlr.report.analysis.off_policy import OFF_POLICY
from darlr.report.analysis.results import end_of_run
from darlr.report.analysis.runs import collect, name_of_dataset
from darlr.report.rendering.table import Table, to_markdown
from darlr.run.choosing import method_of
from darlr.run.history import load_history
from darlr.run.resolution import unread_settings
from darlr.run.saved import SavedPolicy, fingerprint
from darlr.text import counted, markdown, markdown_line

IDENTITY = ("dataset", "method", "seed")
DIGITS = 12  # characters of a file's hash


def model_card(run: Path) -> str:
    """The card of a finished run as Markdown; raises `InputError` for a run that is unfinished or damaged."""
    card = _Card.of(run)
    sections = {
        "Policy": card.policy(),
        "Data": card.data(),
        "Settings": card.settings(),
        "Judge": card.judge(),
        "Limits": card.limits(),
        "Cost": card.cost(),
        "Licence": card.licence(),
    }
    [groups] = collect([card.folder.path]).groups.values()
    lead = headline(card.dataset, groups)
    parts = [f"# {markdown(card.saved.config.method)} on {markdown(card.dataset)}", *([markdown(lead)] if lead else [])]
    for title, lines in sections.items():
        parts += [f"## {title}", *lines]
    return "\n\n".join(parts) + "\n"


@dataclass(frozen=True)
class _Card:
    """The parts of a run that its card shows."""

    folder: RunFolder
    saved: SavedPolicy
    summary: Mapping[str, Any]
    environment: Mapping[str, Any]
    dataset: str

    @classmethod
    def of(cls, run: Path) -> "_Card":
        folder = RunFolder.open(run)
        if not folder.has_json(SUMMARY):
            raise InputError(f"{folder.path}: this run is not finished; expected a finished one")
        saved = SavedPolicy(folder, torch.device("cpu"))
        name = name_of_dataset(folder.path, saved.config.dataset)
        return cls(folder, saved, read_summary(folder), folder.environment(), name)

    def policy(self) -> Iterator[str]:
        method = method_of(self.saved.config)
        yield _list(
            f"Method: {method.name}, {method.summary}." + (f" Source: {method.source}." if method.source else ""),
            f"Seed {self.saved.config.seed}; the policy of epoch {self.saved.epoch}, which did best in the simulator.",
            f"Fingerprint of policy and world model: {fingerprint(self.folder)}. Made by darlr {self.environment['darlr']}.",
            *([f"Started from the run {self._former()}."] if WARM_START in self.environment else []),
        )

    def _former(self) -> str:
        return str(self.environment[WARM_START]["fingerprint"])

    def data(self) -> Iterator[str]:
        saved = self.saved
        kept = load_history(self.folder, len(saved.user_ids), len(saved.item_ids))
        rows = "" if kept is None else f", {counted(len(kept.history.items), 'row')}"
        low, high = saved.reward_range
        world = f"{counted(len(saved.world_users), 'user')} and {counted(len(saved.world_items), 'item')}"
        yield _list(
            f"The log has {counted(len(saved.user_ids), 'user')}, {counted(len(saved.item_ids), 'item')}{rows}. "
            f"The policy recommends in a world of {world}; a reward lies in {low:g} to {high:g}.",
            *(f"{name}: SHA-256 {found[:DIGITS]}..." for name, found in self.environment.get("data", {}).items()),
            *(f"{text}." for text in self.summary.get("notes", ())),
        )

    def settings(self) -> Iterator[str]:
        default, config = default_config(), self.saved.config
        keys = [key for key, _, _ in documented(experiment_type()) if key not in IDENTITY]
        values = [(key, value_at(config, key), value_at(default, key)) for key in keys]
        rows = [(key, str(value), str(usual)) for key, value, usual in values if value != usual]
        yield f"Those that are not darlr's defaults; config.yaml has all {len(values)}."
        if rows:
            yield _table(("setting", "value", "default"), rows)

    def judge(self) -> Iterator[str]:
        mode = judging_mode([self.summary])
        by = "the data set's truth" if mode == NX_0 else "rows of the log that were held out, since there is no truth"
        yield f"Judged by {by} ({CRITERIA[mode].title}); the epoch was chosen in the simulator, without looking at that."
        for table in end_of_run([self.summary], self.dataset, self.saved.config.method):
            yield to_markdown(table).rstrip("\n")

    def limits(self) -> Iterator[str]:
        config = self.saved.config
        limits = [
            "One run of one seed: 'darlr report' over several runs shows how much seeds differ.",
            "Pairs that the log lacks are known from the world model alone. docs/serving.md says how users and items "
            "that the log lacks are served.",
            f"Users are assumed to leave by the rule of the settings 'leave', for at most {config.leave.max_steps} steps.",
            *(f"Doubtful: {verdict['line']}." for verdict in self._verdicts() if verdict["finding"] != "better"),
        ]
        if judging_mode([self.summary]) == NX_0:
            limits.append("The truth answers as it was measured once; live users may answer otherwise.")
        if not config.evaluation.by_group:
            limits.append("Not judged by groups of users (evaluation.by_group): how evenly it serves them is not known.")
        if unread := unread_settings(config):
            limits.append(f"Settings without effect on this method: {', '.join(unread)}.")
        yield _list(*limits)

    def _verdicts(self) -> Sequence[Mapping[str, Any]]:
        found: Sequence[Mapping[str, Any]] = self.summary.get(OFF_POLICY, {}).get("against_popular", ())
        return found

    def cost(self) -> Iterator[str]:
        summary, made = self.summary, self.environment
        seconds = sum(summary["seconds"].values())
        speed = summary.get("steps_per_second")
        told = [
            f"{counted(summary['epochs'], 'epoch')}, {counted(summary['steps'], 'step')} of learning, {seconds:,.0f} s by the "
            "clock, without the world model's fit" + (f"; {speed:,.0f} steps a second." if speed else "."),
            f"On {made['device']} with {counted(made['threads'], 'thread')}; {made['platform']}, Python {made['python']}, "
            f"torch {made['torch']}, numpy {made['numpy']}.",
        ]
        if memory := summary.get("peak_memory_mib"):
            told.insert(1, f"Largest resident memory {memory:,.0f} MiB.")
        yield _list(*told)

    def licence(self) -> Iterator[str]:
        yield _list(
            f"Data: {self._licence_of_data()}.",
            "The run folder holds ids and, in history.safetensors, the log: pass it on only as the data's licence allows.",
            "darlr: MIT.",
        )

    def _licence_of_data(self) -> str:
        name = self.saved.config.dataset
        if source := SOURCES.get(name):
            known: str = source.licence
            return known
        place = Path(name)
        if name.startswith(IN_MEMORY) or not (place / SETTINGS).is_file():
            return "not known here: ask whoever collected them"
        return read_settings(place, ()).licence or f"not told in {SETTINGS} (key 'licence')"


def _list(*lines: str) -> str:
    return "\n".join(f"- {markdown_line(line)}" for line in lines)


def _table(header: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> str:
    heading, _, body = to_markdown(Table("", header, tuple(rows))).partition("\n\n")
    assert heading == "### "
    return body.rstrip("\n")
