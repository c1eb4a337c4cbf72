"""What a backend is like, and the options that the user has given for it."""

from __future__ import annotations

import contextlib
import io
import shlex
import sys
from dataclasses import fields
from typing import Any

from snakemake_interface_common.exceptions import ApiError
from snakemake_interface_executor_plugins.registry import ExecutorPluginRegistry
from snakemake_interface_executor_plugins.settings import CommonSettings

import snakemake_executor_plugin_recast as plugin
from snakemake_executor_plugin_recast.backends import LOCAL, backends_of

_OURS = dict(vars(plugin.common_settings))


def become(settings: plugin.ExecutorSettings) -> None:
    """Take over what Snakemake has to know about a backend before it makes an executor.

    Raises:
        ApiError: there is no such backend, or it cannot be used.
    """
    from snakemake.executors import dryrun

    backends = [name for name in backends_of(settings) if name != LOCAL]
    values = dict(_OURS)
    for name in reversed(backends):
        known = vars(backend_plugin(name).common_settings)
        values |= {
            key: known[key]
            for key in ("non_local_exec", "can_transfer_local_files", "init_seconds_before_status_checks")
            if key in known
        }
    for field in fields(CommonSettings):
        if field.name in values:
            setattr(plugin.common_settings, field.name, values[field.name])
    dry = ExecutorPluginRegistry().get_plugin("dryrun")
    dry.executor = dryrun.Executor
    if backends:
        from snakemake_executor_plugin_recast.preview import preview

        dry.executor = preview(settings)


def backend_plugin(name: str) -> Any:
    """The executor plugin of a backend.

    Raises:
        ApiError: there is none, or it cannot be used.
    """
    registry = ExecutorPluginRegistry()
    if not registry.is_installed(name):
        ours = {LOCAL, "dryrun", "touch", "recast", "slurm-jobstep"}
        others = sorted(set(registry.get_registered_plugins()) - ours)
        raise ApiError(
            f"--recast-backend {name}: there is no executor plugin of this name here "
            f"(there {'are ' + ', '.join(others) if others else 'is none'}). "
            f"Install it: pip install snakemake-executor-plugin-{name}"
        )
    found = registry.get_plugin(name)
    if found.common_settings.implies_no_shared_fs:
        raise ApiError(
            f"--recast-backend {name}: it runs each job in a container of its own that sees nothing of this "
            f"directory, and no second container can be started in there. Use --executor {name} with rules "
            "whose image contains Snakemake, or run the analysis on REANA, which uses such clusters."
        )
    return found


def settings_of(name: str, options: str) -> Any:
    """The settings of a backend as the user has given them: options, environment variables, profile.

    Args:
        name: of the backend.
        options: further options, as one text.

    Raises:
        ApiError: an option is wrong.
    """
    from snakemake.cli import parse_args

    try:
        more = shlex.split(options)
    except ValueError as error:
        raise ApiError(f"the options for {name} cannot be read: {error}: {options}") from error
    attempts = [["--executor", "recast", *more]]
    if sys.argv and (arguments := sys.argv[1:]):
        attempts.insert(0, [*arguments, *more])
    said = io.StringIO()
    for arguments in attempts:
        with contextlib.redirect_stderr(said), contextlib.suppress(SystemExit):
            _, parsed = parse_args(arguments)
            # Otherwise the program is another than Snakemake's, for example one that uses its API.
            if parsed.executor == "recast":
                return backend_plugin(name).get_settings(parsed)
    # The usage, which comes first, is that of Snakemake: hundreds of lines.
    lines = [line for line in said.getvalue().splitlines() if "error: " in line]
    reason = lines[-1].partition("error: ")[2] if lines else options
    raise ApiError(f"the options for {name} cannot be read: {reason}")
