"""``wfinspect info``: where files are, and where each setting came from."""

import argparse
import platform
import shlex
from collections.abc import Mapping

from wfinspect import __version__
from wfinspect.commands import output
from wfinspect.commands.once import resolve_target
from wfinspect.errors import ConfigError
from wfinspect.format import shown
from wfinspect.redaction import without_keys
from wfinspect.settings import OPTIONS, NotifySettings, Settings


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what only this command takes."""
    output.add_output_option(parser, "an array of name, value and source", ("table", "json"))


def run(args: argparse.Namespace, settings: Settings, environ: Mapping[str, str]) -> int:
    """Print two or three columns a line: what, its value, its source."""
    paths = settings.paths
    rows = [
        ("wfinspect", f"{__version__} on Python {platform.python_version()}", ""),
        ("config", str(paths.config_file), "" if paths.config_file.exists() else "not there"),
        ("state", str(paths.state_dir), settings.sources["state_dir"]),
        ("database", str(paths.database), "" if paths.database.exists() else "not there yet"),
        ("log", str(paths.log_file), "" if paths.log_file.exists() else "not there yet"),
    ]
    trouble: ConfigError | None = None
    try:
        resolved = resolve_target(settings, environ)
    except ConfigError as error:
        trouble = error
    else:
        rows += [
            ("profile", resolved.target.profile, resolved.profile_source),
            ("region", resolved.target.region, resolved.region_source),
            ("endpoint", resolved.target.endpoint, resolved.endpoint_source),
        ]
    listed = {row[0] for row in rows} | {"state-dir"}
    rows += [
        (option.name, _value(getattr(settings, option.key)), settings.sources[option.key])
        for option in OPTIONS
        if option.name not in listed
    ]
    notify, source = settings.notify, str(paths.config_file)
    rows += [
        (f"notify {name}", _value(value), source if value != default else "default")
        for name, value, default in zip(
            NotifySettings._fields, notify, NotifySettings(), strict=True
        )
    ]
    rows = [
        (name, shown(without_keys(value)), shown(without_keys(source)))
        for name, value, source in rows
    ]
    if args.output == "json":
        values = [dict(zip(_KEYS, row, strict=True)) for row in rows]
        print(output.as_rows("json", values, _KEYS, settings.zone))
    else:
        print(output.aligned(rows))
    if trouble is not None:
        raise trouble
    return 0


_KEYS = ("name", "value", "source")


def _value(value: object) -> str:
    if value is None:
        return "(automatic)"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, tuple):
        return shlex.join(value) or "(none)"
    return f"{value:g}" if isinstance(value, float) else str(value)
