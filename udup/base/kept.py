"""What is stored by one version and read by another, perhaps an older one: nothing of it is lost on the way."""

from __future__ import annotations

from typing import ClassVar

from pydantic import BaseModel, ConfigDict


class Kept(BaseModel):
    """A part of what is stored. Fields that this version does not know are kept, and written again as they came.

    So a newer version finds its fields again when a node was rolled back and upgraded once more.
    """

    model_config: ClassVar[ConfigDict] = ConfigDict(frozen=True, extra="allow", hide_input_in_errors=True)
