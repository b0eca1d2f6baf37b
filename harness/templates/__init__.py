"""Templates looked after: which there are, what they yield before a model is asked, and whether they hold."""

from harness.templates.check import CheckedTemplates, TemplateFault, check_templates
from harness.templates.inventory import Origin, TemplateFacts, list_templates
from harness.templates.preview import Preview, PreviewedFile, ShownGap, preview, write_preview

__all__ = [
    "CheckedTemplates",
    "Origin",
    "Preview",
    "PreviewedFile",
    "ShownGap",
    "TemplateFacts",
    "TemplateFault",
    "check_templates",
    "list_templates",
    "preview",
    "write_preview",
]
