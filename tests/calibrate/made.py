"""Cases of the check, made by hand."""

from perfsim.calibrate.agreement import METRICS, Case, compared
from perfsim.calibrate.contention import Setting
from perfsim.calibrate.samples import Figure

SETTING = Setting(1000, 200, is_exponential=True)


def exact(value: float) -> Figure:
    """A figure that is the same each time."""
    return Figure(value, value, value, 0.0)


def case(lock: str = "ticket", is_virtual: bool = False, **simulated: float) -> Case:
    """A case whose real figures are 100, 0.5 of the share; simulated as much where nothing is said."""
    figures = {}
    for metric in METRICS:
        real = 0.5 if metric == "waited" else 100.0
        figures[metric] = compared(metric, exact(real), simulated.get(metric, real), is_virtual=is_virtual)
    return Case(lock, 2, SETTING, figures, 0)
