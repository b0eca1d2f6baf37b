"""Building what people asked for, with the engine that the flags choose, and what is compared behind it."""

from harness.builds.serving import BuildSettings, Built, build
from harness.builds.shadow import work_off
from harness.builds.shadow_queue import ShadowJob, ShadowQueue

__all__ = ["BuildSettings", "Built", "ShadowJob", "ShadowQueue", "build", "work_off"]
