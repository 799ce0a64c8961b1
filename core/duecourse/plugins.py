"""The plugins of this installation: found, configured, held to their limits, and listed.

`catalogue` finds what they offer and `instances` makes what the settings name.
"""

import sys
from collections.abc import Collection, Iterable, Mapping
from contextlib import redirect_stdout, suppress
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import Any, Self

import msgspec

from duecourse.catalogue import Catalogue, PluginStatus
from duecourse.channels import Channel
from duecourse.filing import FilingAdapter
from duecourse.instances import make_channels, make_filings
from duecourse.loading import GROUP
from duecourse.redaction import ANYTHING
from duecourse.rules.pack import PackError, RuleBook
from duecourse.settings import ChannelLimits, Table

__all__ = ["PluginStatus", "Plugins"]

Tables = Mapping[str, Mapping[str, Table]]


class Plugins(msgspec.Struct, frozen=True, kw_only=True):
    """The channels and filing adapters at hand, by the names that the settings give them.

    Every channel is `Bounded`, which has the plugin's own object in `channel`, or runs in a
    process of its own; `limits` has each one's. `packs` are the rules of contact that loaded, and
    `missing` says what plugins could not bring: whoever judges by them takes `rulebook()`.
    """

    channels: Mapping[str, Channel[Any]]
    limits: Mapping[str, ChannelLimits]
    filings: Mapping[str, FilingAdapter[Any]]
    listing: tuple[PluginStatus, ...]
    packs: RuleBook
    missing: tuple[str, ...] = ()

    @classmethod
    def discover(
        cls,
        config: Tables,
        allow: Collection[str] | None = None,
        packages: Iterable[EntryPoint] | None = None,
        folder: Path | None = None,
    ) -> Self:
        """Load what is installed and construct what `config` names; a plugin's error is listed.

        `config` holds the tables `channels` and `filings`. `allow` holds the names of entry points
        and of one-file plugins; None allows all. `packages` stands in for the installed entry
        points; `folder` has the one-file plugins. To be closed: a channel may have a process.
        """
        catalogue = Catalogue(allow)
        # What a plugin prints must not get between the lines of `--json`.
        with redirect_stdout(sys.stderr):
            catalogue.add_installed(entry_points(group=GROUP) if packages is None else packages)
            if folder is not None:
                catalogue.add_folder(folder)
            catalogue.note_absent()
            channels = list(make_channels(catalogue, config.get("channels", {})))
            filings = dict(make_filings(catalogue, config.get("filings", {})))
        catalogue.note_unused()
        return cls(
            channels={instance: made for instance, made, _ in channels},
            limits={instance: limits for instance, _, limits in channels},
            filings=filings,
            listing=tuple(catalogue.listing),
            packs=catalogue.packs,
            missing=tuple(catalogue.missing),
        )

    def rulebook(self) -> RuleBook:
        """The packaged rule packs together with those of plugins.

        Raises PackError when a plugin's pack is missing, or may be.
        """
        if not self.missing:
            return self.packs
        others = f" (and {len(self.missing) - 1} more)" if len(self.missing) > 1 else ""
        raise PackError(
            f"{self.missing[0]}{others}; nobody is contacted without it: mend it, or leave the"
            " plugin out with the setting `plugins`"
        )

    def close(self) -> None:
        """Let every channel go of its connections; one that fails does not keep the others."""
        for channel in self.channels.values():
            with suppress(*ANYTHING):
                channel.close()
