//! Makes a thumbnail of each photograph of a folder, on the machines of a cluster. One line tells
//! it from a program for one machine: that which makes the pool.
//!
//! ```text
//! bash examples/cluster/run.sh    # a server and two workers on this machine, and this program
//! ```
//!
//! The photographs and thumbnails travel, so that machines need no file system in common.

use std::env;
use std::ffi::OsStr;
use std::fs;
use std::io::Cursor;
use std::path::{Path, PathBuf};

use image::{ImageFormat, ImageResult};
use multiprocess as mp;

/// The process id of the worker, and the thumbnail.
fn thumbnail(photo: Vec<u8>) -> ImageResult<(u32, Vec<u8>)> {
    let small = image::load_from_memory(&photo)?.thumbnail(256, 256);
    let mut jpeg = Cursor::new(Vec::new());
    small.write_to(&mut jpeg, ImageFormat::Jpeg)?;
    Ok((std::process::id(), jpeg.into_inner()))
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    // Workers run this program too, here and elsewhere: for them, `main` ends here.
    mp::init();

    let input = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/photos");
    let output = concat!(env!("CARGO_MANIFEST_DIR"), "/target/thumbnails");
    fs::create_dir_all(output)?;
    let photos = photos(env::args_os().nth(1).unwrap_or(input.into()).as_ref())?;
    let contents = photos.iter().map(fs::read).collect::<Result<Vec<_>, _>>()?;

    let pool = mp::Pool::with(mp::Nats::from_env()?);
    let results = pool.task(thumbnail).fallible().chunk_size(1).retries(2).try_map(contents);

    let mut workers = Vec::new();
    for (photo, result) in photos.iter().zip(results) {
        let (worker, jpeg) = result?;
        workers.push(worker);
        fs::write(Path::new(output).join(photo.file_name().unwrap_or_default()), jpeg)?;
    }
    workers.sort();
    workers.dedup();
    println!("{} thumbnails, by {} processes", photos.len(), workers.len());
    Ok(())
}

fn photos(folder: &Path) -> std::io::Result<Vec<PathBuf>> {
    let entries = fs::read_dir(folder)?.collect::<Result<Vec<_>, _>>()?;
    let paths = entries.into_iter().map(|entry| entry.path());
    Ok(paths.filter(|path| path.extension() == Some(OsStr::new("jpg"))).collect())
}
