"""The command line: looks at stored runs, compares them, scores them again, freezes golden data. Pytest judges."""

from __future__ import annotations

import errno
import sys
from pathlib import Path

import click

from evalkit._internal.toml import find_project
from evalkit.cli import diff, doctor, export, golden, looks, misses, prune, runs, schema, stored, weights
from evalkit.errors import EvalkitError, visible
from evalkit.models.config import read_config


class PlainGroup(click.Group):
    """A group of commands whose errors are one message on standard error and exit code 4, never a traceback."""

    def invoke(self, context: click.Context) -> object:
        """Runs the command that was asked for."""
        try:
            return super().invoke(context)
        except EvalkitError as error:
            click.echo(f"evalkit: {error}", err=True)
            sys.exit(4)
        except OSError as error:
            if error.errno == errno.EPIPE:
                raise  # whoever read the output has seen enough
            what = f"{error.filename}: {error.strerror}" if error.filename else str(error)
            click.echo(visible(f"evalkit: {what}. Mend that, then run the same command again"), err=True)
            sys.exit(4)


@click.group(cls=PlainGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="pytest-evalkit")
@click.option(
    "--root",
    type=click.Path(file_okay=False, path_type=Path),
    help="Folder of pyproject.toml (default: the nearest one, here or above, with [tool.evalkit] in it).",
)
@click.pass_context
def main(context: click.Context, root: Path | None) -> None:
    """evalkit: what a person runs before they ship a fine-tuned model. To judge models, run pytest."""
    here = Path.cwd()
    context.obj = read_config(root.resolve() if root is not None else find_project(here) or here)


for _command in (
    stored.list_runs, misses.misses, diff.diff, runs.show, runs.rescore, runs.report, runs.compare, runs.lineage,
    runs.history, doctor.doctor, export.export, golden.freeze, golden.lint, golden.shrink, looks.looks, prune.prune,
    schema.schema, weights.merge_check,
):  # fmt: skip
    main.add_command(_command)


if __name__ == "__main__":
    main()
