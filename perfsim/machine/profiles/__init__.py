"""The shipped cost profiles as paths of their files: what the entry points of the group `perfsim.profiles` name."""

from pathlib import Path

IA64 = Path(__file__).with_name("ia64.yaml")
X86_64 = Path(__file__).with_name("x86_64.yaml")
X86_64_MODERN = Path(__file__).with_name("x86_64_modern.yaml")
IDEAL = Path(__file__).with_name("ideal.yaml")
