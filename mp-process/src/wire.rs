//! What parent and child say to each other over their private socket.

use std::fmt;
use std::path::PathBuf;

use mp_handle::Descriptor;
use serde::{Deserialize, Serialize};

use crate::builder::Limit;
use crate::fork_server::Template;
use crate::image::ImageId;
use crate::method::StartMethod;

/// Counts the changes of this module. The mark in a child's environment bears it.
const PROTOCOL: u32 = 1;

/// The environment variable that tells a child that it is one.
pub(crate) const MARK: &str = "MULTIPROCESS_CHILD";

/// What that variable says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Mark {
    /// The process id of the parent: whoever else finds the mark in its environment is no child.
    pub(crate) parent: u32,
    /// The standard output to be is at [`STDOUT_FD`].
    pub(crate) moved_stdout: bool,
}

impl fmt::Display for Mark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{PROTOCOL}:{}:{}", self.parent, u8::from(self.moved_stdout))
    }
}

impl Mark {
    /// Reads a mark; `None` if it is not one of this protocol.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let mut fields = text.split(':').map(|field| field.parse::<u32>().ok());
        match [fields.next()??, fields.next()??, fields.next()??] {
            [PROTOCOL, parent, moved @ 0..=1] => Some(Self { parent, moved_stdout: moved == 1 }),
            _ => None,
        }
    }
}

/// The child's end of the socket.
pub(crate) const SOCKET_FD: i32 = 3;

/// Where a test's child finds the standard output that it is to have once libtest has said its
/// own lines (see [`init_test`](crate::init_test)).
pub(crate) const STDOUT_FD: i32 = 4;

/// The parent's one message: what to be, and what to do. The arguments stand behind it in the
/// same parcel.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Start {
    pub(crate) image: ImageId,
    pub(crate) task: Task,
    pub(crate) secret: u128,
    /// What the friends of this family share.
    pub(crate) friends: Option<u128>,
    pub(crate) name: String,
    /// Its place in the family: `1:2` is the second child of the first.
    pub(crate) identity: String,
    pub(crate) parent_name: String,
    pub(crate) settings: Settings,
    pub(crate) heritage: Option<Heritage>,
    /// What it changes of itself if it was forked.
    pub(crate) skin: Option<Skin>,
}

/// What a child is for.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum Task {
    /// To call a function: the offset of its [`Entry`](crate::start::Entry).
    Call(u64),
    /// To fork others.
    Serve(Template),
}

/// How the child starts processes of its own that are not told otherwise.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(crate) struct Heritage {
    pub(crate) method: StartMethod,
    /// The offset of what a fork server preloads.
    pub(crate) preload: Option<u64>,
}

/// What a child is given by `exec`, and a forked one has to take.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Skin {
    /// The standard streams; `None` stands for `/dev/null`.
    pub(crate) streams: [Option<Descriptor>; 3],
    pub(crate) directory: Descriptor,
    /// Each `NAME=value`, with a zero byte behind it; `None` stands for what the server has.
    pub(crate) environment: Option<Vec<u8>>,
}

/// What the child does to itself before anything else.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Settings {
    pub(crate) daemon: bool,
    pub(crate) detached: bool,
    pub(crate) directory: Option<PathBuf>,
    pub(crate) nice: Option<i32>,
    pub(crate) process_group: Option<i32>,
    pub(crate) limits: Vec<(Limit, u64)>,
}

/// The tags of the child's messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tag {
    /// `init` was reached.
    Hello = 1,
    /// The function returned; the parcel is its result.
    Returned,
    /// The function panicked; the parcel is a [`Panic`](crate::Panic).
    Panicked,
    /// The function could not be begun; the parcel is the reason, a string.
    NotStarted,
    /// The result could not be encoded; the parcel is the reason, a string.
    NotEncoded,
}

impl Tag {
    pub(crate) fn from_number(number: u64) -> Option<Self> {
        [Self::Hello, Self::Returned, Self::Panicked, Self::NotStarted, Self::NotEncoded]
            .into_iter()
            .find(|&tag| tag as u64 == number)
    }
}
