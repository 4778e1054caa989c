//! The task: one photograph in, one thumbnail file and a few numbers out.
//!
//! Only [`Job`] and [`Thumb`] travel between the processes. The pixels never do: a worker reads
//! the photograph itself and writes the thumbnail itself.

use std::cmp::Reverse;
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::{Context, Result};
use image::{DynamicImage, ImageDecoder, ImageFormat, ImageReader};
use serde::{Deserialize, Serialize};

use crate::traps::Trap;

/// One piece of work, as it travels to a worker.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Job {
    pub(crate) source: Source,
    /// Longest side of the thumbnail.
    pub(crate) size: u32,
    /// Where the thumbnail goes.
    pub(crate) output: PathBuf,
    /// Folder for half-written files, on the same file system as `output`.
    pub(crate) scratch: PathBuf,
}

/// What a job works on.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) enum Source {
    Photo(PathBuf),
    Trap(Trap),
}

/// What came of a job, as it travels back.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Thumb {
    pub(crate) before: Size,
    pub(crate) after: Size,
    pub(crate) millis: f64,
    /// The process that did it.
    pub(crate) pid: u32,
}

/// How large a picture is, in pixels and as a file.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(crate) struct Size {
    pub(crate) width: u32,
    pub(crate) height: u32,
    pub(crate) bytes: u64,
}

/// Makes one thumbnail. This is the function that runs in the workers.
pub(crate) fn thumbnail(job: Job) -> Result<Thumb> {
    let path = match &job.source {
        Source::Photo(path) => path,
        Source::Trap(trap) => trap.spring()?,
    };
    let started = Instant::now();
    let photo = open(path).context("cannot read the photograph")?;
    let small = shrink(&photo, job.size);
    save(&small, &job).context("cannot write the thumbnail")?;
    Ok(Thumb {
        before: Size::of(&photo, path)?,
        after: Size::of(&small, &job.output)?,
        millis: started.elapsed().as_secs_f64() * 1e3,
        pid: std::process::id(),
    })
}

/// Fits a picture into a square of `size` pixels. What is smaller already stays as it is.
pub(crate) fn shrink(picture: &DynamicImage, size: u32) -> DynamicImage {
    if picture.width().max(picture.height()) <= size {
        return picture.clone();
    }
    picture.thumbnail(size, size)
}

/// Reads a photograph and turns it upright, as its EXIF data says.
fn open(path: &Path) -> Result<DynamicImage> {
    let mut decoder = ImageReader::open(path)?.with_guessed_format()?.into_decoder()?;
    let orientation = decoder.orientation()?;
    let mut photo = DynamicImage::from_decoder(decoder)?;
    photo.apply_orientation(orientation);
    Ok(photo)
}

/// Writes the thumbnail aside and then renames it: a worker killed half-way leaves no half file.
fn save(small: &DynamicImage, job: &Job) -> Result<()> {
    let aside = job.scratch.join(format!("{}.part", std::process::id()));
    small.save_with_format(&aside, ImageFormat::from_path(&job.output)?)?;
    fs::rename(aside, &job.output)?;
    Ok(())
}

impl Size {
    fn of(picture: &DynamicImage, path: &Path) -> Result<Size> {
        let bytes = fs::metadata(path)?.len();
        Ok(Size { width: picture.width(), height: picture.height(), bytes })
    }
}

impl Job {
    /// The name for the table.
    pub(crate) fn name(&self) -> String {
        match &self.source {
            Source::Photo(path) => path.file_name().unwrap_or_default().to_string_lossy().into(),
            Source::Trap(trap) => trap.to_string(),
        }
    }
}

/// Lists the photographs of a folder, the largest first: a long task that starts last would keep
/// one worker busy while the others have nothing left to do.
pub(crate) fn find(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut photos = Vec::new();
    for entry in fs::read_dir(folder).with_context(|| format!("no folder {}", folder.display()))? {
        let entry = entry?;
        if is_photo(&entry.path()) {
            photos.push((Reverse(entry.metadata()?.len()), entry.path()));
        }
    }
    photos.sort();
    anyhow::ensure!(!photos.is_empty(), "no JPEG or PNG files in {}", folder.display());
    Ok(photos.into_iter().map(|(_, path)| path).collect())
}

fn is_photo(path: &Path) -> bool {
    let extension = path.extension().and_then(OsStr::to_str).unwrap_or_default();
    let known = ["jpg", "jpeg", "png"];
    path.is_file() && known.iter().any(|known| extension.eq_ignore_ascii_case(known))
}
