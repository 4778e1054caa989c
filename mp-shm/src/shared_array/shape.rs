//! The shape of an array, in the extra of its cells: how many dimensions, in which order, how long.

use std::io;

use mp_handle::{Region, RegionError};
use ndarray::{Dimension, Shape, ShapeBuilder};

use crate::cells::EXTRA;

/// The most dimensions that there is room for.
const DIMENSIONS: usize = 14;
/// The bytes it takes: a word for each number.
pub(super) const SIZE: usize = 8 * (2 + DIMENSIONS);

/// Returns the number of elements, if arrays of that shape can be shared.
pub(super) fn count<T, D: Dimension>(shape: &Shape<D>) -> Result<usize, RegionError> {
    let dimensions = shape.raw_dim();
    let too_large = RegionError::TooLarge { len: usize::MAX };
    if dimensions.ndim() > DIMENSIONS || !is_possible::<T>(dimensions.slice()) {
        return Err(too_large);
    }
    dimensions.size_checked().ok_or(too_large)
}

/// Tells whether ndarray has views of these lengths: even an array without elements must not
/// have lengths whose product is too large, if those of zero are left out.
fn is_possible<T>(lengths: &[usize]) -> bool {
    let mut lengths = lengths.iter().filter(|&&length| length != 0);
    let bytes = lengths.try_fold(size_of::<T>(), |bytes, &length| bytes.checked_mul(length));
    bytes.is_some_and(|bytes| isize::try_from(bytes).is_ok())
}

/// Writes the shape into the extra.
pub(super) fn write<D: Dimension>(region: &Region, shape: &Shape<D>) -> Result<(), RegionError> {
    let dimensions = shape.raw_dim().slice();
    let columns_first = u64::from(is_columns_first(shape));
    let words = [dimensions.len() as u64, columns_first].into_iter();
    let words = words.chain(dimensions.iter().map(|&length| length as u64));
    for (at, word) in words.enumerate() {
        region.write(EXTRA + 8 * at, &word.to_ne_bytes())?;
    }
    Ok(())
}

/// Tells the order of a shape's elements, which ndarray tells of arrays only: of one of nothings.
fn is_columns_first<D: Dimension>(shape: &Shape<D>) -> bool {
    let elements = vec![(); shape.raw_dim().size()];
    let array = ndarray::Array::from_shape_vec(shape.clone(), elements);
    array.is_ok_and(|array| !array.is_standard_layout())
}

/// Reads the shape from the extra, and checks that it is one of so many elements.
pub(super) fn read<T, D: Dimension>(
    region: &Region,
    elements: usize,
) -> Result<Shape<D>, RegionError> {
    let word = |at: usize| {
        let mut word = [0; 8];
        region.read(EXTRA + 8 * at, &mut word)?;
        Ok::<_, RegionError>(u64::from_ne_bytes(word))
    };
    let found = word(0)?;
    let dimensions = usize::try_from(found).ok().filter(|&count| count <= DIMENSIONS);
    let dimensions = dimensions.filter(|&count| D::NDIM.is_none_or(|expected| expected == count));
    let dimensions = dimensions.ok_or_else(|| {
        let expected = D::NDIM.map_or(format!("up to {DIMENSIONS}"), |count| count.to_string());
        wrong(format!("expected an array of {expected} dimensions, found one of {found}"))
    })?;
    let mut shape = D::zeros(dimensions);
    for (at, length) in shape.slice_mut().iter_mut().enumerate() {
        *length = usize::try_from(word(2 + at)?).unwrap_or(usize::MAX);
    }
    if !is_possible::<T>(shape.slice()) || shape.size_checked() != Some(elements) {
        let lengths = shape.slice();
        return Err(wrong(format!("expected {elements} elements, found the shape {lengths:?}")));
    }
    Ok(shape.set_f(word(1)? == 1))
}

fn wrong(text: String) -> RegionError {
    RegionError::Io(io::Error::new(io::ErrorKind::InvalidData, text))
}
