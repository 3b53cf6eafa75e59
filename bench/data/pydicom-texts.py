"""Prints the different texts of pydicom's samples that tell of devices, protocols and codes, one a line."""

import os
import warnings

import pydicom
import pydicom.data

warnings.simplefilter('ignore')
ABOUT_PEOPLE = (0x0010, 0x0032, 0x0038, 0x0040)
PLACES = (0x00080080, 0x00080081, 0x00081010, 0x00081040, 0x00080050, 0x00104000)
texts = set()


def collect(dataset, element):
    if element.tag.group in ABOUT_PEOPLE or element.tag in PLACES or element.tag.is_private:
        return
    if element.VR in ('CS', 'LO', 'SH', 'LT', 'ST', 'UC', 'UT') and element.value:
        values = element.value if element.VM > 1 else [element.value]
        texts.update(' '.join(str(value).split())[:64] for value in values)


here = os.path.dirname(pydicom.data.__file__)
for folder, _, names in os.walk(here):
    for name in names:
        try:
            pydicom.dcmread(os.path.join(folder, name)).walk(collect)
        except Exception:
            continue
print('\n'.join(sorted(texts)))
