//! Decodes files that somebody sent, with decoders that may crash, hang or eat all memory.
//!
//! Each file costs at most a worker, for at most three seconds, and 256 MiB. Whatever it does there, the
//! program goes on, and knows why there is no result.

#[path = "../parts/posix_regex.rs"]
mod posix_regex;
mod specimens;

use std::ffi::OsStr;
use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use image::ImageReader;
use multiprocess as mp;
use posix_regex::Regex;

/// What there is in a file, in one line.
fn examine(path: PathBuf) -> anyhow::Result<String> {
    if path.extension() == Some(OsStr::new("rule")) {
        let regex =
            Regex::new(fs::read_to_string(&path)?.trim_end()).map_err(anyhow::Error::msg)?;
        let verdict = if regex.is_match("Cheap watches, buy now!") { "hits" } else { "misses" };
        return Ok(format!("a rule that {verdict}"));
    }
    let mut reader = ImageReader::open(&path)?.with_guessed_format()?;
    // As decoders without a check of their own do.
    reader.no_limits();
    let image = reader.decode()?;
    Ok(format!("a picture of {} by {} pixels", image.width(), image.height()))
}

#[mp::main]
fn main() -> Result<(), Box<dyn std::error::Error>> {
    let folder = specimens::Folder::new()?;
    let mut files: Vec<PathBuf> = folder.files()?;
    files.sort();

    let pool = mp::Pool::builder()
        .workers(2)
        .deadline(Duration::from_secs(3))
        .memory_limit(256 << 20)
        .build()?;
    let examined = pool.task(examine).fallible().chunk_size(1).try_map(files.clone());

    for (file, what) in files.iter().zip(examined) {
        let name = file.file_name().unwrap_or_default().display();
        match what {
            Ok(what) => println!("{name}: {what}"),
            Err(error) => println!("{name}: {}", error.kind),
        }
    }
    Ok(())
}
