//! Named regions: for programs that have nothing in common but a name.
//!
//! A named region is the file `/dev/shm/mp.NAME`. It is published whole: made without a name,
//! reserved, filled, and only then linked, so nobody ever opens half of one, and a maker killed
//! before that leaves nothing. It lives until it is unlinked. Its file cannot be sealed (no file
//! with a name can), and whoever may write it may shrink it under its users, which kills them. So
//! one is opened only if it belongs to this user, or to the one that the opener names.

use std::fs;
use std::io::ErrorKind;
use std::path::PathBuf;

use rustix::fd::AsFd;
use rustix::fs::{FileType, Mode, OFlags, fstat, open, unlink};
use rustix::io::Errno;
use rustix::process::geteuid;

use super::header::{Header, Lifetime};
use super::{Kind, Region, RegionError, file_size};
use crate::descriptor::Descriptor;
use crate::streams::clear_of_streams;
use crate::sys;
use crate::unnamed::{publish, unnamed};

const FOLDER: &str = "/dev/shm";
/// Keeps our files apart from those of others in the folder.
const PREFIX: &str = "mp.";
const NAME_MAX: usize = 200;

/// The name of a region, who may open it once it is created, and whose it has to be.
///
/// A plain string is the name of something that only this user may open.
///
/// # Examples
///
/// ```
/// use mp_handle::{Kind, Name, Region, RegionError};
///
/// const SCORES: Kind = Kind::new(1000, "scores");
/// let name = format!("doc-name-{}", std::process::id());
///
/// let shared_with_group = Name::new(&name).mode(0o660);
/// let region = Region::create_named(&shared_with_group, SCORES, 0, 64, |_| ())?;
/// let opened = Region::open_named(&Name::new(&name), SCORES, 0)?;
/// region.write(0, b"7")?;
/// let mut digit = [0];
/// opened.read(0, &mut digit)?;
/// assert_eq!(&digit, b"7");
///
/// Region::unlink(&name)?;
/// let gone = Region::open_named(&name.as_str().into(), SCORES, 0);
/// assert!(matches!(gone, Err(RegionError::NotFound { .. })));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct Name {
    name: String,
    mode: u32,
    owner: Option<u32>,
}

impl Name {
    /// Makes a name of 1 to 200 bytes without `/` and NUL; others are refused when they are used.
    #[must_use]
    pub fn new(name: impl Into<String>) -> Name {
        Name { name: name.into(), mode: 0o600, owner: None }
    }

    /// Sets the permission bits of what is created, as of a file; the default is `0o600`. The
    /// umask does not change them.
    #[must_use]
    pub fn mode(mut self, mode: u32) -> Name {
        self.mode = mode & 0o777;
        self
    }

    /// Sets the user to whom what is opened has to belong, instead of this process's effective
    /// user. That user can end this process by shrinking the file. The opened region cannot
    /// travel in a [`Parcel`](crate::Parcel).
    #[must_use]
    #[doc(alias = "uid")]
    pub fn owner(mut self, user: u32) -> Name {
        self.owner = Some(user);
        self
    }

    /// Returns the name itself.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.name
    }

    /// Returns the permission bits of what is created.
    #[must_use]
    pub fn permissions(&self) -> u32 {
        self.mode
    }

    /// Returns the user to whom what is opened has to belong.
    #[must_use]
    pub fn expected_owner(&self) -> u32 {
        self.owner.unwrap_or_else(user)
    }

    /// Returns the file that has the name behind `prefix`, in the folder of shared memory.
    ///
    /// # Errors
    ///
    /// [`RegionError::Name`] if it cannot be one.
    pub fn file(&self, prefix: &str) -> Result<PathBuf, RegionError> {
        let fits = (1..=NAME_MAX).contains(&self.name.len());
        let file = format!("{prefix}{}", self.name);
        if !fits || self.name.contains(['/', '\0']) || file == "." || file == ".." {
            return Err(RegionError::Name { name: self.name.clone() });
        }
        Ok([FOLDER, &file].iter().collect())
    }

    fn path(&self) -> Result<PathBuf, RegionError> {
        self.file(PREFIX)
    }
}

impl From<&str> for Name {
    fn from(name: &str) -> Name {
        Name::new(name)
    }
}

impl From<String> for Name {
    fn from(name: String) -> Name {
        Name::new(name)
    }
}

impl From<&String> for Name {
    fn from(name: &String) -> Name {
        Name::new(name)
    }
}

/// What is known of a named region without opening it.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct NamedRegion {
    /// Its name.
    pub name: String,
    /// The kind that its header states, `None` if it is not this user's to read.
    pub kind: Option<Kind>,
    /// The user to whom it belongs.
    pub owner: u32,
    /// Its permission bits, as of a file.
    pub mode: u32,
    /// The size of its file in bytes.
    pub size: u64,
}

impl Region {
    /// Creates a region with a name; `fill` writes its first contents before anybody sees it.
    ///
    /// # Errors
    ///
    /// Those of [`create`](Self::create), [`RegionError::Exists`] if the name is taken, and
    /// [`RegionError::Name`] if it cannot be one.
    pub fn create_named(
        name: &Name,
        kind: Kind,
        fingerprint: u64,
        len: usize,
        fill: impl FnOnce(&Region),
    ) -> Result<Region, RegionError> {
        let path = name.path()?;
        let fd = unnamed(FOLDER, name.mode)?;
        sys::reserve(&fd, file_size(len)?)?;
        let region = Region::fresh(fd, Header::new(kind, fingerprint, len, Lifetime::Named))?;
        fill(&region);
        match publish(region.descriptor(), &path) {
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {
                Err(RegionError::Exists { name: name.name.clone() })
            }
            published => Ok(published.map(|()| region)?),
        }
    }

    /// Opens the region that has the name.
    ///
    /// # Errors
    ///
    /// Fails if there is none ([`RegionError::NotFound`]), if it is another user's
    /// ([`RegionError::Owner`]), and if it is not what was expected, as
    /// [`from_descriptor`](Self::from_descriptor) does.
    pub fn open_named(name: &Name, kind: Kind, fingerprint: u64) -> Result<Region, RegionError> {
        let flags = OFlags::RDWR | OFlags::CLOEXEC | OFlags::NOFOLLOW | OFlags::NONBLOCK;
        let fd = match open(name.path()?, flags, Mode::empty()) {
            Err(Errno::NOENT) => return Err(RegionError::NotFound { name: name.name.clone() }),
            // A symbolic link, a folder, a socket.
            Err(Errno::LOOP | Errno::ISDIR | Errno::NXIO) => return Err(RegionError::NoHeader),
            opened => clear_of_streams(opened.map_err(io)?)?,
        };
        let expected = name.expected_owner();
        let found = owner(&fd)?;
        if found != expected {
            return Err(RegionError::Owner { name: name.name.clone(), expected, found });
        }
        if !is_file(&fd)? {
            return Err(RegionError::NoHeader);
        }
        Region::trusted(Descriptor::from(fd), kind, fingerprint)
    }

    /// Opens the region that has the name, or creates it; tells which.
    ///
    /// # Errors
    ///
    /// Those of [`create_named`](Self::create_named) and [`open_named`](Self::open_named).
    pub fn open_or_create_named(
        name: &Name,
        kind: Kind,
        fingerprint: u64,
        len: usize,
        fill: impl Fn(&Region),
    ) -> Result<(Region, bool), RegionError> {
        loop {
            match Region::open_named(name, kind, fingerprint) {
                Err(RegionError::NotFound { .. }) => {}
                opened => return Ok((opened?, false)),
            }
            match Region::create_named(name, kind, fingerprint, len, &fill) {
                // Somebody was faster: theirs is there to be opened.
                Err(RegionError::Exists { .. }) => {}
                created => return Ok((created?, true)),
            }
        }
    }

    /// Takes a name away. Who has the region keeps it; the memory is freed after the last of them.
    ///
    /// # Errors
    ///
    /// [`RegionError::NotFound`] if nothing has the name, and the system's refusal.
    pub fn unlink(name: impl Into<Name>) -> Result<(), RegionError> {
        let name = name.into();
        match unlink(name.path()?) {
            Err(Errno::NOENT) => Err(RegionError::NotFound { name: name.name }),
            done => done.map_err(io),
        }
    }

    /// Lists the named regions of this machine, of all users, sorted by name.
    ///
    /// # Errors
    ///
    /// The system's error if the folder cannot be read.
    pub fn named() -> Result<Vec<NamedRegion>, RegionError> {
        let mut found = Vec::new();
        for entry in fs::read_dir(FOLDER)? {
            let file = entry?.file_name().into_string().unwrap_or_default();
            let named = file.strip_prefix(PREFIX).and_then(describe);
            found.extend(named);
        }
        found.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(found)
    }
}

/// Looks at a named region; `None` if it is gone meanwhile.
fn describe(name: &str) -> Option<NamedRegion> {
    let path = Name::new(name).path().ok()?;
    let stat = rustix::fs::lstat(&path).ok()?;
    let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NOFOLLOW | OFlags::NONBLOCK;
    let file = open(path, flags, Mode::empty()).ok();
    let kind = file.and_then(|fd| super::read_header(&fd).ok()).map(|header| header.kind);
    let size = u64::try_from(stat.st_size).unwrap_or(0);
    let mode = stat.st_mode & 0o777;
    Some(NamedRegion { name: name.to_owned(), kind, owner: stat.st_uid, mode, size })
}

/// Returns the user to whom the file belongs.
pub(super) fn owner(fd: impl AsFd) -> Result<u32, RegionError> {
    Ok(fstat(fd).map_err(io)?.st_uid)
}

fn is_file(fd: impl AsFd) -> Result<bool, RegionError> {
    let mode = fstat(fd).map_err(io)?.st_mode;
    Ok(FileType::from_raw_mode(mode) == FileType::RegularFile)
}

/// Returns this process's effective user.
pub(super) fn user() -> u32 {
    geteuid().as_raw()
}

fn io(errno: Errno) -> RegionError {
    RegionError::Io(errno.into())
}
