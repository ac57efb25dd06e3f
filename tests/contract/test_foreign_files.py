"""Files of every modeler and many makers of mistakes: each is read, or refused by element, at once.

`tests/corpus` is written by hand after the BPMN 2.0 standard, in the manner of each tool; nothing in it is taken over
from elsewhere. The encodings and the damaged files are made here.
"""

from __future__ import annotations

import random
import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from lxml import etree

from engine.definitions.model import Finding
from engine.service.bundle_check import check
from engine.service.finding_rows import rows
from tests.support.diagrams import document
from tests.support.random_diagrams import *  # noqa: F403
from tests.support.world import ROOT
