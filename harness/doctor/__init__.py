"""The doctor: looks at what a comparison needs, measures the model, predicts what concurrency gains."""

from harness.doctor.diagnosis import Diagnosis, exit_code_of
from harness.doctor.examination import DoctorSettings, examine
from harness.doctor.finding import Finding, Level

__all__ = ["Diagnosis", "DoctorSettings", "Finding", "Level", "examine", "exit_code_of"]
