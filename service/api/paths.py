"""Parts of addresses that routes of several audiences share."""

from typing import Annotated

from fastapi import Path
from pydantic import StringConstraints

from service.domain.inventory import ID_PATTERN

MunicipalityId = Annotated[str, Path(pattern=ID_PATTERN, description="A municipality's id.")]
ZoneId = Annotated[str, Path(pattern=ID_PATTERN, description="A zone's id.")]
ZoneName = Annotated[str, StringConstraints(pattern=ID_PATTERN)]
