//! Calls a function for each photograph of a folder, in as many processes as there are processors.

use std::env;
use std::ffi::OsStr;
use std::fs;
use std::path::PathBuf;

use image::ImageResult;
use multiprocess as mp;

fn process_image(path: PathBuf) -> ImageResult<u64> {
    println!("Processing {}", path.display());
    let (width, height) = image::image_dimensions(path)?;
    Ok(u64::from(width) * u64::from(height))
}

#[mp::main]
fn main() -> Result<(), Box<dyn std::error::Error>> {
    let photos = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/photos");
    let folder = env::args_os().nth(1).unwrap_or(photos.into());
    let entries = fs::read_dir(folder)?.collect::<Result<Vec<_>, _>>()?;
    let paths = entries.into_iter().map(|entry| entry.path());
    let photos = paths.filter(|path| path.extension() == Some(OsStr::new("jpg")));

    let pool = mp::Pool::builder().build()?;
    let pixels = pool.task(process_image).fallible().map(photos)?;
    println!("{} photographs, {} pixels", pixels.len(), pixels.iter().sum::<u64>());
    Ok(())
}
