//! The identity of a build, the same on every machine.

use std::fmt;
use std::hash::Hasher;
use std::io::{self, Read};
use std::sync::OnceLock;

use crate::sys;

/// Tells one build of a program from all others, on whatever machine it runs.
///
/// It is the identity that the linker has put into the program (the GNU build id), or that of the
/// file's content if it did not. A copy of the file is the same build; to compile the same source
/// on another machine may make another one.
///
/// # Examples
///
/// ```
/// use mp_process::BuildId;
///
/// mp_process::init();
/// let child = mp_process::spawn(|| BuildId::current().map(|id| id.to_string()).ok(), ())?.join()?;
/// assert_eq!(child, Some(BuildId::current()?.to_string()));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct BuildId(Vec<u8>);

impl BuildId {
    /// The identity of this program.
    ///
    /// # Errors
    ///
    /// The linker gave it none, and the program's file cannot be read.
    pub fn current() -> io::Result<&'static Self> {
        static CURRENT: OnceLock<BuildId> = OnceLock::new();
        if let Some(known) = CURRENT.get() {
            return Ok(known);
        }
        let bytes = match sys::linked_build_id() {
            Some(bytes) => bytes,
            None => content_of("/proc/self/exe")?,
        };
        Ok(CURRENT.get_or_init(|| Self(bytes)))
    }

    /// The bytes of the identity.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Display for BuildId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for BuildId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "BuildId({self})")
    }
}

/// Two hashes of a file's content. Nobody tries to make two builds alike; so they need not
/// withstand that.
fn content_of(path: &str) -> io::Result<Vec<u8>> {
    let mut file = std::fs::File::open(path)?;
    let mut hashers = [b"one", b"two"].map(|salt| {
        let mut hasher = std::hash::DefaultHasher::new();
        hasher.write(salt);
        hasher
    });
    let mut buffer = vec![0; 1 << 16];
    loop {
        match file.read(&mut buffer)? {
            0 => {
                return Ok(hashers
                    .iter()
                    .flat_map(|hasher| hasher.finish().to_be_bytes())
                    .collect());
            }
            read => hashers.iter_mut().for_each(|hasher| hasher.write(&buffer[..read])),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::content_of;

    #[test]
    fn a_file_is_known_by_its_content() -> std::io::Result<()> {
        let own = content_of("/proc/self/exe")?;
        assert_eq!((own.len(), &own), (16, &content_of("/proc/self/exe")?));
        assert_ne!(own, content_of("/proc/self/cmdline")?);
        Ok(())
    }
}
