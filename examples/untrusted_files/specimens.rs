//! A folder of files as they come in: some are fine, and each of the others is bad in another way.

use std::path::{Path, PathBuf};
use std::process::id;
use std::{env, fs, io};

use rustix::fs::{CWD, FileType, Mode, mknodat};

/// The folder, which goes away with this value.
pub(crate) struct Folder(PathBuf);

impl Folder {
    pub(crate) fn new() -> io::Result<Self> {
        let folder = Self(env::temp_dir().join(format!("untrusted-{}", id())));
        fs::create_dir(&folder.0)?;
        let photo = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/photos/camera.png");
        let photo = fs::read(photo)?;
        let [picture, bomb, cut] =
            ["picture.png", "bomb.png", "cut.png"].map(|name| folder.0.join(name));
        fs::write(picture, &photo)?;
        fs::write(bomb, of_size(&photo, 60_000, 60_000))?;
        fs::write(cut, &photo[..photo.len() / 2])?;
        // Whoever opens it waits for somebody to write.
        mknodat(CWD, folder.0.join("pipe.png"), FileType::Fifo, Mode::RUSR | Mode::WUSR, 0)?;

        let rules = [("good", "[Cc]heap .*!$"), ("broken", "[Cc"), ("deep", &"(".repeat(1 << 20))];
        for (name, rule) in rules {
            fs::write(folder.0.join(name).with_extension("rule"), rule)?;
        }
        Ok(folder)
    }

    pub(crate) fn files(&self) -> io::Result<Vec<PathBuf>> {
        fs::read_dir(&self.0)?.map(|entry| Ok(entry?.path())).collect()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // What cannot be removed is only litter.
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// The same picture, whose header says that it is larger: what comes in is small, what a decoder
/// makes room for is not.
fn of_size(png: &[u8], width: u32, height: u32) -> Vec<u8> {
    const HEADER: std::ops::Range<usize> = 12..29;
    let mut png = png.to_vec();
    png[16..20].copy_from_slice(&width.to_be_bytes());
    png[20..24].copy_from_slice(&height.to_be_bytes());
    let checksum = crc(&png[HEADER]);
    png[HEADER.end..HEADER.end + 4].copy_from_slice(&checksum.to_be_bytes());
    png
}

/// The checksum that each part of a PNG file ends with.
fn crc(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(!0, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| (crc >> 1) ^ (0xEDB8_8320 * (crc & 1)))
    })
}
