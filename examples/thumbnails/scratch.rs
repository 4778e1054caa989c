//! The output folder, and in it a folder for half-written files.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

/// A folder that goes away with this value, and with it all that killed workers left half-done.
#[derive(Debug)]
pub(crate) struct Scratch(PathBuf);

impl Scratch {
    /// Creates the folder `output` if need be, and a scratch folder in it.
    ///
    /// Thumbnails keep the names of their photographs, so `output` must not be `input`.
    pub(crate) fn new(input: &Path, output: &Path) -> Result<Scratch> {
        let input = input
            .canonicalize()
            .with_context(|| format!("cannot find the photographs in {}", input.display()))?;
        fs::create_dir_all(output)
            .with_context(|| format!("cannot create the folder {}", output.display()))?;
        anyhow::ensure!(
            input != output.canonicalize()?,
            "the thumbnails would overwrite the photographs: choose another --output"
        );
        let scratch = output.join(format!(".scratch-{}", std::process::id()));
        fs::create_dir_all(&scratch)?;
        Ok(Scratch(scratch))
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // What cannot be removed is only litter: no reason to fail now.
        let _ = fs::remove_dir_all(&self.0);
    }
}
