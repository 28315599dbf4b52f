"""`perfsim calibrate`: what this machine costs, as a cost profile, and whether the simulator's locks are its own."""

from __future__ import annotations

import re
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Annotated

import typer

from perfsim.cli import options
from perfsim.cli.app import app
from perfsim.cli.output import file_to_write, tell, tell_meanwhile, write_data
from perfsim.errors import InputError, quoted

if TYPE_CHECKING:
    from perfsim.calibrate.calibration import Calibration

SUFFIX = ".yaml"
CHART = "locks"
MISSED_STATUS = 1
DEFAULT_NAME = "this_machine"


@app.command("calibrate")
def calibrate_machine(
    out: Annotated[
        str | None,
        typer.Option("--out", metavar="FILE", help="Write the profile into a .yaml file.", show_default=False),
    ] = None,
    check: Annotated[
        bool,
        typer.Option(
            "--check", help="Then run real locks beside simulated ones on this profile, and say how far they are apart."
        ),
    ] = False,
    profile: Annotated[
        str | None,
        typer.Option(
            "--profile",
            metavar="PROFILE",
            help="With --check: a profile's name or .yaml file, instead of measuring one.",
            autocompletion=options.profiles_like,
            show_default=False,
        ),
    ] = None,
    png: Annotated[
        str | None,
        typer.Option(
            "--png",
            metavar="DIR",
            help="With --check: draw it into a directory, as PNG and as SVG.",
            show_default=False,
        ),
    ] = None,
    output_format: options.OutputFormat = options.Format.TABLE,
) -> None:
    """Measure what this machine costs, as a cost profile.

    Without privileges, in seconds, with nobody else at work if you can arrange it. What comes out too different each
    time is called noise, and that, like what cannot be measured here, is taken from the nearest shipped profile.

    --check is the test of the model: five locks in the loop of the workload kind lock_loop, on real threads and
    simulated with the costs of the single measurements. Exit status 0 if the median error is at most 15 % and the worst
    40 %, else 1, also when most figures are noise: that is said.

    \b
    Examples:
      perfsim calibrate
      perfsim calibrate --out this_machine.yaml
      perfsim calibrate --check --png pictures
      perfsim calibrate --check --profile x86_64_modern --format json
    """  # noqa: D301 - \b is typer's mark of lines to be left as they are
    _refuse_without_check(check, {"--profile": profile, "--png": png})
    path = _out_path(out)
    if path is not None and profile is not None:
        raise InputError("--out", "does not go with --profile, which is measured already; expected one of them")
    if png is not None:
        from perfsim.report.pictures.static import make_directory

        make_directory(Path(png))
    done = _measured(path) if profile is None else None
    if done is not None and not (check and output_format is not options.Format.TABLE):
        _show(done, output_format)
    if done is not None and path is not None:
        _write(done, path)
    if check:
        _check(done, profile, png, output_format)


def _refuse_without_check(check: bool, given: dict[str, str | None]) -> None:
    for option, value in given.items():
        if value is not None and not check:
            raise InputError(option, "says how to check; expected --check beside it")


def _measured(path: Path | None) -> Calibration:
    from perfsim.calibrate.calibration import calibrate

    try:
        return calibrate(_name(path), tell_meanwhile)
    finally:
        tell_meanwhile("")


def _show(done: Calibration, output_format: options.Format) -> None:
    from perfsim.report.calibration import calibration_table
    from perfsim.report.render import render

    write_data(render(calibration_table(done), output_format.value))


def _write(done: Calibration, path: Path) -> None:
    from perfsim.store.atomic import replacing

    with replacing(path) as file:
        file.write(done.result.text.encode())
    tell(f"{path}: the profile; perfsim run quickstart --profile {path}")


def _check(done: Calibration | None, profile: str | None, png: str | None, output_format: options.Format) -> None:
    """Compare, print, draw, and end the command with status 1 unless it is accepted."""
    from perfsim.calibrate.agreement import check_agreement
    from perfsim.calibrate.bench import prepare
    from perfsim.calibrate.code import check_machine
    from perfsim.calibrate.here import look_around
    from perfsim.machine.profile import load_profile
    from perfsim.report.agreement import agreement_table, verdict
    from perfsim.report.render import render

    with TemporaryDirectory() as folder:
        stated = profile
        if stated is None:
            assert done is not None, "neither measured nor given"
            file = Path(folder) / "measured.yaml"
            file.write_text(done.result.text, encoding="utf-8")
            stated = str(file)
        costs = load_profile(stated)
        check_machine()
        try:
            bench = prepare(look_around()) if done is None else done.bench
            found = check_agreement(bench, costs, stated, tell_meanwhile)
        finally:
            tell_meanwhile("")
    write_data(render(agreement_table(found, costs.name), output_format.value))
    if png is not None:
        from perfsim.report.pictures.agreement import agreement_chart
        from perfsim.report.pictures.static import write_chart

        paths = write_chart(agreement_chart(found, costs.name), Path(png), CHART)
        tell(f"{png}: {len(paths)} files, such as {paths[0].name}")
    if output_format is options.Format.CSV:
        tell(verdict(found))
    if not found.is_accepted:
        raise typer.Exit(MISSED_STATUS)


def _out_path(out: str | None) -> Path | None:
    """Where the profile goes. Raises InputError, before anything is measured, for what can be no profile's place."""
    if out is None:
        return None
    if Path(out).suffix != SUFFIX:
        raise InputError("--out", f"{quoted(out)} is no name of a profile; expected a {SUFFIX} file")
    return file_to_write("--out", out, f"{DEFAULT_NAME}{SUFFIX}")


def _name(path: Path | None) -> str:
    """The profile's name: the file's, as far as it can be one."""
    name = "" if path is None else re.sub(r"[^A-Za-z0-9_]+", "_", path.stem).strip("_")
    return name if name and name[0].isalpha() else DEFAULT_NAME
