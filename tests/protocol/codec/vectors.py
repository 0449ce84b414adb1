"""The Device object as the specification's examples show it, in each format."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from custom_components.lwm2m.protocol.path import Path

if TYPE_CHECKING:
    from custom_components.lwm2m.protocol.node import Values

DEVICE: Values = {
    Path(3, 0, 0): "Open Mobile Alliance",
    Path(3, 0, 1): "Lightweight M2M Client",
    Path(3, 0, 2): "345000123",
    Path(3, 0, 3): "1.0",
    Path(3, 0, 6): {0: 1, 1: 5},
    Path(3, 0, 7): {0: 3800, 1: 5000},
    Path(3, 0, 8): {0: 125, 1: 900},
    Path(3, 0, 9): 100,
    Path(3, 0, 10): 15,
    Path(3, 0, 11): {0: 0},
    Path(3, 0, 13): datetime(2013, 5, 2, 10, 40, 15, tzinfo=UTC),
    Path(3, 0, 14): "+02:00",
    Path(3, 0, 16): "U",
}

DEVICE_RESOURCES_TLV = bytes.fromhex(
    "C80014 4F70656E204D6F62696C6520416C6C69616E6365"
    "C80116 4C69676874776569676874204D324D20436C69656E74"
    "C80209 333435303030313233 C303 312E30"
    "8606 410001 410105 8807 08 42000ED8 42011388 8708 41007D 42010384"
    "C109 64 C10A 0F 830B 410000 C40D 5182428F C60E 2B30323A3030 C110 55"
)
"""OMA-TS-LightweightM2M_Core-V1_1_1 7.4.4, the example of a request on a single object instance."""

DEVICE_TLV = bytes.fromhex("080079") + DEVICE_RESOURCES_TLV
"""OMA-TS-LightweightM2M_Core-V1_1_1 7.4.4, the example of a request on an object, case A."""

DEVICE_JSON = (
    b'[{"bn":"/3/0/","n":"0","vs":"Open Mobile Alliance"},'
    b'{"n":"1","vs":"Lightweight M2M Client"},'
    b'{"n":"2","vs":"345000123"},'
    b'{"n":"3","vs":"1.0"},'
    b'{"n":"6/0","v":1},'
    b'{"n":"6/1","v":5},'
    b'{"n":"7/0","v":3800},'
    b'{"n":"7/1","v":5000},'
    b'{"n":"8/0","v":125},'
    b'{"n":"8/1","v":900},'
    b'{"n":"9","v":100},'
    b'{"n":"10","v":15},'
    b'{"n":"11/0","v":0},'
    b'{"n":"13","v":1367491215},'
    b'{"n":"14","vs":"+02:00"},'
    b'{"n":"16","vs":"U"}]'
)
"""OMA-TS-LightweightM2M_Core-V1_1_1 7.4.5, the example of a Read of the Device object."""

DEVICE_CBOR = bytes.fromhex(
    "90"
    "a3 21 652f332f302f 00 6130 03 744f70656e204d6f62696c6520416c6c69616e6365"
    "a2 00 6131 03 764c69676874776569676874204d324d20436c69656e74"
    "a2 00 6132 03 69333435303030313233"
    "a2 00 6133 03 63312e30"
    "a2 00 63362f30 02 01"
    "a2 00 63362f31 02 05"
    "a2 00 63372f30 02 190ed8"
    "a2 00 63372f31 02 191388"
    "a2 00 63382f30 02 187d"
    "a2 00 63382f31 02 190384"
    "a2 00 6139 02 1864"
    "a2 00 623130 02 0f"
    "a2 00 6431312f30 02 00"
    "a2 00 623133 02 1a5182428f"
    "a2 00 623134 03 662b30323a3030"
    "a2 00 623136 03 6155"
)
"""OMA-TS-LightweightM2M_Core-V1_1_1 7.4.6, the example of a Read of the Device object."""

DEVICE_OMA_JSON = (
    b'{"bn":"/3/0/","e":['
    b'{"n":"0","sv":"Open Mobile Alliance"},'
    b'{"n":"1","sv":"Lightweight M2M Client"},'
    b'{"n":"2","sv":"345000123"},'
    b'{"n":"3","sv":"1.0"},'
    b'{"n":"6/0","v":1},'
    b'{"n":"6/1","v":5},'
    b'{"n":"7/0","v":3800},'
    b'{"n":"7/1","v":5000},'
    b'{"n":"8/0","v":125},'
    b'{"n":"8/1","v":900},'
    b'{"n":"9","v":100},'
    b'{"n":"10","v":15},'
    b'{"n":"11/0","v":0},'
    b'{"n":"13","v":1367491215},'
    b'{"n":"14","sv":"+02:00"},'
    b'{"n":"16","sv":"U"}]}'
)
"""OMA-TS-LightweightM2M-V1_0_2 6.4.4, the example of a Read of the Device object."""

DEVICE_LWM2M_CBOR = bytes.fromhex(
    "a1 820300 ad"
    "00 744f70656e204d6f62696c6520416c6c69616e6365"
    "01 764c69676874776569676874204d324d20436c69656e74"
    "02 69333435303030313233 03 63312e30"
    "06 a200010105 07 a200190ed801191388 08 a200187d01190384"
    "09 1864 0a 0f 0b a10000 0d 1a5182428f 0e 662b30323a3030 10 6155"
)
"""OMA-TS-LightweightM2M_Core-V1_2_2 7.5.4.3, the example of a Read of the Device object."""
