//! What the parent tells a worker: functions and shared values, chunks of tasks that name them by
//! number, and when there is nothing more to do.

/// A frame from the parent.
pub(crate) enum TaskFrame<'a> {
    /// From now on this number stands for this function, a parcel of one.
    Function { number: u32, bytes: &'a [u8] },
    /// From now on this number stands for this shared value, which begins at `head` of its parcel.
    Context { number: u32, head: u32, spilled: bool, bytes: &'a [u8] },
    /// No chunk will ask for this shared value any more.
    Forget { number: u32 },
    /// A chunk of tasks.
    Chunk { header: ChunkHeader, table: &'a [u8], bytes: &'a [u8] },
    /// There is nothing more.
    Exit,
}

/// What stands before the items of a chunk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ChunkHeader {
    pub(crate) seq: u32,
    pub(crate) function: u32,
    pub(crate) count: u32,
    /// The length of each item, if they have all the same: otherwise zero, and a table follows.
    pub(crate) each: u32,
    /// The number of the value that its tasks share.
    pub(crate) context: u32,
    /// The items come over the socket.
    pub(crate) spilled: bool,
    /// The parent may stop an item also without a limit.
    pub(crate) is_guarded: bool,
    pub(crate) limits: Limits,
}

/// How long each item may run, in nanoseconds; 0 if that is not limited.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Limits {
    /// After which it is asked to end.
    pub(crate) soft: u64,
    /// After which its worker is killed.
    pub(crate) hard: u64,
}

impl Limits {
    pub(crate) const NONE: Self = Self { soft: 0, hard: 0 };

    /// Whether it matters when an item begins.
    pub(crate) fn are_set(self) -> bool {
        self != Self::NONE
    }
}

const TASK_WORDS: usize = 11;
pub(crate) const TASK_HEADER: usize = 4 * TASK_WORDS;

impl<'a> TaskFrame<'a> {
    const FUNCTION: u32 = 1;
    const CHUNK: u32 = 2;
    const EXIT: u32 = 3;
    const CONTEXT: u32 = 4;
    const FORGET: u32 = 5;

    /// The header, which stands before the table and the bytes.
    pub(crate) fn header(&self) -> [u8; TASK_HEADER] {
        let words = match *self {
            Self::Function { number, .. } => [Self::FUNCTION, number, 0, 0, 0, 0, 0, 0, 0, 0, 0],
            Self::Context { number, head, spilled, .. } => {
                [Self::CONTEXT, number, head, u32::from(spilled), 0, 0, 0, 0, 0, 0, 0]
            }
            Self::Forget { number } => [Self::FORGET, number, 0, 0, 0, 0, 0, 0, 0, 0, 0],
            Self::Chunk { header, .. } => header.words(),
            Self::Exit => [Self::EXIT, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0],
        };
        let mut header = [0; TASK_HEADER];
        for (bytes, word) in header.chunks_exact_mut(4).zip(words) {
            bytes.copy_from_slice(&word.to_ne_bytes());
        }
        header
    }

    pub(crate) fn parse(frame: &'a [u8]) -> Option<Self> {
        let (header, bytes) = frame.split_first_chunk::<TASK_HEADER>()?;
        let words: [u32; TASK_WORDS] = std::array::from_fn(|i| {
            u32::from_ne_bytes(std::array::from_fn(|at| header[4 * i + at]))
        });
        let number = words[1];
        match words[0] {
            Self::FUNCTION => Some(Self::Function { number, bytes }),
            Self::CONTEXT => {
                Some(Self::Context { number, head: words[2], spilled: words[3] != 0, bytes })
            }
            Self::FORGET => Some(Self::Forget { number }),
            Self::CHUNK => {
                let header = ChunkHeader::from_words(&words);
                let entries = if header.each == 0 { header.count as usize } else { 0 };
                let (table, bytes) = bytes.split_at_checked(entries.checked_mul(4)?)?;
                Some(Self::Chunk { header, table, bytes })
            }
            Self::EXIT => Some(Self::Exit),
            _ => None,
        }
    }
}

impl ChunkHeader {
    fn words(&self) -> [u32; TASK_WORDS] {
        let Self { seq, function, count, each, context, spilled, is_guarded, limits } = *self;
        let (low, high) = (|word: u64| word as u32, |word: u64| (word >> 32) as u32);
        let flags = u32::from(spilled) | u32::from(is_guarded) << 1;
        let mut words = [TaskFrame::CHUNK, seq, function, context, flags, count, each, 0, 0, 0, 0];
        let limits = [limits.soft, limits.hard].map(|limit| [low(limit), high(limit)]);
        words[7..].copy_from_slice(limits.as_flattened());
        words
    }

    fn from_words(words: &[u32; TASK_WORDS]) -> Self {
        let wide = |at: usize| u64::from(words[at + 1]) << 32 | u64::from(words[at]);
        Self {
            seq: words[1],
            function: words[2],
            count: words[5],
            each: words[6],
            context: words[3],
            spilled: words[4] & 1 != 0,
            is_guarded: words[4] & 2 != 0,
            limits: Limits { soft: wide(7), hard: wide(9) },
        }
    }
}
