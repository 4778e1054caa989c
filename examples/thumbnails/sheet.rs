//! The contact sheet: all thumbnails side by side in one picture.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use image::{GenericImage, Rgb, RgbImage};

use crate::photo::shrink;

const MARGIN: u32 = 16;
/// Many thumbnails are shown smaller, so that the sheet stays this wide.
const WIDEST: u32 = 4096;
const BACKGROUND: Rgb<u8> = Rgb([43, 43, 46]);

/// Composes a contact sheet from thumbnail files and writes it to `path`.
///
/// Each cell is a square of at most `size` pixels with its thumbnail in the middle.
pub(crate) fn write(path: &Path, thumbs: &[PathBuf], size: u32) -> Result<()> {
    let columns = columns(thumbs.len());
    let size = size.min((WIDEST / columns as u32).saturating_sub(MARGIN).max(MARGIN));
    let rows = thumbs.len().div_ceil(columns);
    let mut sheet = RgbImage::from_pixel(span(columns, size), span(rows, size), BACKGROUND);
    for (cell, thumb) in thumbs.iter().enumerate() {
        let picture =
            image::open(thumb).with_context(|| format!("cannot read back {}", thumb.display()))?;
        let picture = shrink(&picture, size).to_rgb8();
        let left = span(cell % columns, size) + (size - picture.width()) / 2;
        let top = span(cell / columns, size) + (size - picture.height()) / 2;
        sheet.copy_from(&picture, left, top)?;
    }
    sheet.save(path).with_context(|| format!("cannot write {}", path.display()))
}

/// Columns for a sheet that is a little wider than high.
fn columns(cells: usize) -> usize {
    (1..).find(|columns| columns * columns * 3 >= cells * 4).expect("some square is large enough")
}

/// The length of so many cells, with the margin between them and at both ends.
fn span(cells: usize, size: u32) -> u32 {
    MARGIN + cells as u32 * (size + MARGIN)
}
