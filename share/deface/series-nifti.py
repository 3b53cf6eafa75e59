"""A DICOM series as a NIfTI volume, and back: used by deface-nifti.sh.

  series-nifti.py to-nifti GIVEN VOLUME
  series-nifti.py from-nifti GIVEN VOLUME DEFACED MADE

The volume has the stored values of the slices in order of their positions, so the way back is exact: slice k of the
volume is slice k of the series, and no orientation is guessed. Voxels that the program changed become the
smallest value of the series; all others keep the value they had, whatever the program scaled or rounded.
"""
import gzip
import os
import struct
import sys

import numpy as np
import pydicom

TYPES = {2: 'u1', 4: 'i2', 8: 'i4', 16: 'f4', 64: 'f8', 256: 'i1', 512: 'u2', 768: 'u4'}


def slices_of(folder):
    slices = [pydicom.dcmread(os.path.join(folder, name)) for name in sorted(os.listdir(folder))]
    shapes = {(one.Rows, one.Columns, tuple(map(float, one.ImageOrientationPatient))) for one in slices}
    if len(shapes) != 1 or any(int(one.get('NumberOfFrames', 1)) != 1 for one in slices):
        sys.exit('the series is not one stack of single frames of one size and orientation')
    along = normal_of(slices[0])
    slices.sort(key=lambda one: (np.dot(along, position_of(one)), one.SOPInstanceUID))
    return slices


def position_of(one):
    return np.array([float(value) for value in one.ImagePositionPatient])


def normal_of(one):
    cosines = [float(value) for value in one.ImageOrientationPatient]
    return np.cross(cosines[:3], cosines[3:])


def affine_of(slices):
    """From column, row and slice to millimetres (PS3.3 C.7.6.2.1.1), with the axes of NIfTI (RAS)."""
    first, last = slices[0], slices[-1]
    cosines = np.array([float(value) for value in first.ImageOrientationPatient])
    between_rows, between_columns = (float(value) for value in first.PixelSpacing)
    if len(slices) > 1:
        step = (position_of(last) - position_of(first)) / (len(slices) - 1)
    else:
        step = normal_of(first) * float(first.get('SliceThickness') or 1)
    affine = np.column_stack(
        [cosines[:3] * between_columns, cosines[3:] * between_rows, step, position_of(first)]
    )
    affine[:2] *= -1
    return affine


def to_nifti(given, volume):
    slices = slices_of(given)
    values = np.stack([one.pixel_array for one in slices]).astype('<f4')
    affine = affine_of(slices)
    sizes = [float(np.linalg.norm(affine[:, axis])) for axis in range(3)]
    header = bytearray(352)
    struct.pack_into('<i', header, 0, 348)
    struct.pack_into('<8h', header, 40, 3, *reversed(values.shape), 1, 1, 1, 1)
    struct.pack_into('<hh', header, 70, 16, 32)
    struct.pack_into('<8f', header, 76, 1, *sizes, 0, 0, 0, 0)
    struct.pack_into('<fff', header, 108, 352, 1, 0)
    header[123] = 2  # millimetres
    struct.pack_into('<hh', header, 252, 0, 1)
    struct.pack_into('<12f', header, 280, *affine.flatten())
    header[344:348] = b'n+1\0'
    # Without a time in it: the same series gives the same file.
    with open(volume, 'wb') as raw, gzip.GzipFile('', 'wb', fileobj=raw, mtime=0) as file:
        file.write(header + values.tobytes())


def read_nifti(path):
    with open(path, 'rb') as raw:
        data = raw.read()
    if data[:2] == b'\x1f\x8b':
        data = gzip.decompress(data)
    order = '<' if struct.unpack_from('<i', data)[0] == 348 else '>'
    count, *shape = struct.unpack_from(order + '8h', data, 40)
    shape = shape[:3] if count >= 3 else shape[:count] + [1] * (3 - count)
    (kind,) = struct.unpack_from(order + 'h', data, 70)
    offset, slope, intercept = struct.unpack_from(order + 'fff', data, 108)
    values = np.frombuffer(data, order + TYPES[kind], int(np.prod(shape)), int(offset))
    values = values.reshape(shape[::-1]).astype('f8')
    affine = struct.unpack_from(order + '12f', data, 280)
    return (values * slope + intercept if slope else values), affine


def from_nifti(given, volume, defaced, made):
    slices = slices_of(given)
    before, affine = read_nifti(volume)
    after, affine_after = read_nifti(defaced)
    if before.shape != after.shape or not np.allclose(affine, affine_after, atol=1e-3):
        sys.exit('the program wrote a volume of another size or orientation')
    blank = (np.abs(after - before) > 0.5) | ~np.isfinite(after)
    smallest = min(one.pixel_array.min() for one in slices)
    for at, one in enumerate(slices):
        pixels = one.pixel_array.copy()
        pixels[blank[at]] = smallest
        if one.file_meta.TransferSyntaxUID.is_compressed:
            one.file_meta.TransferSyntaxUID = pydicom.uid.ExplicitVRLittleEndian
            one.is_little_endian, one.is_implicit_VR = True, False
            one['PixelData'].VR = 'OW'
            one['PixelData'].is_undefined_length = False
        one.PixelData = pixels.tobytes()
        one.save_as(os.path.join(made, '%05d.dcm' % (at + 1)))


if __name__ == '__main__':
    command, *names = sys.argv[1:]
    {'to-nifti': to_nifti, 'from-nifti': from_nifti}[command](*names)
