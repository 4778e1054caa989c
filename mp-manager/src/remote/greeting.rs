//! How a client and a server that meet at a socket learn that both know the key: what is said,
//! without the socket.
//!
//! ```text
//! client                                              server
//!    hello: magic, protocol, byte order, nonce   ──►
//!                                                ◄──   hello: the same
//!    HMAC(key, "client", both hellos)            ──►
//!                                                ◄──   verdict: yes, who the server is, how
//!                                                      long a request may be,
//!                                                      HMAC(key, "server", both hellos, that)
//! ```
//!
//! The MAC is HMAC-SHA256, and no other can be asked for. Both proofs cover all that was said,
//! with the versions, and who says it, so none can be replayed, reflected, or moved to another
//! conversation, and nobody on the way can talk the two into something else. The client proves
//! first: who has no key learns nothing from the server. Every message has its length, so a
//! server reads no byte more than it knows what to do with. Inside of TLS the proofs cover a secret
//! of that connection as well.

use std::fmt;
use std::io;

use hmac::{Hmac, KeyInit, Mac};
use rustix::io::{Errno, retry_on_intr};
use rustix::rand::{GetRandomFlags, getrandom};
use sha2::Sha256;

use super::key::Key;
use crate::wire::PROTOCOL;

pub(crate) const HELLO: usize = 44;
pub(crate) const PROOF: usize = 32;
pub(crate) const VERDICT: usize = HEAD + PROOF;

/// What stands before the server's proof: yes or no, its number, its process, the longest request.
const HEAD: usize = 1 + 16 + 4 + 8;

const MAGIC: [u8; 4] = *b"mpM1";
/// Values are encoded in the order of the machine.
const BYTE_ORDER: u32 = 0x0102_0304;

const ADMITTED: u8 = 1;
const WRONG_KEY: u8 = 2;
const CROWDED: u8 = 3;

/// What a side says first.
type Hello = [u8; HELLO];

/// Why the other side is not let in, or not trusted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stranger {
    /// It does not speak this protocol.
    Language,
    /// It speaks another version.
    Version(u32),
    ByteOrder,
    WrongKey,
    /// There is no place for one more.
    Crowded,
}

impl fmt::Display for Stranger {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Language => f.write_str("it does not speak the protocol of managers"),
            Self::Version(theirs) => {
                write!(f, "it speaks version {theirs} of the protocol, and this side {PROTOCOL}")
            }
            Self::ByteOrder => f.write_str("its machine has another byte order"),
            Self::WrongKey => f.write_str("it has another key"),
            Self::Crowded => f.write_str("there are as many clients as it lets in"),
        }
    }
}

/// Which server it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Identity {
    /// The number that no other server has.
    pub(crate) server: u128,
    /// Its process, on its own machine.
    pub(crate) pid: u32,
    /// The longest request that it takes in, in bytes.
    pub(crate) max_frame: u64,
}

/// Random bytes that nobody can foresee.
pub(crate) fn random<const N: usize>() -> io::Result<[u8; N]> {
    let mut bytes = [0; N];
    // The system gives up to 256 bytes whole, once it has started.
    match retry_on_intr(|| getrandom(&mut bytes, GetRandomFlags::empty()))? {
        len if len == N => Ok(bytes),
        _ => Err(Errno::IO.into()),
    }
}

fn hello() -> io::Result<Hello> {
    let mut hello = [0; HELLO];
    hello[..4].copy_from_slice(&MAGIC);
    hello[4..8].copy_from_slice(&PROTOCOL.to_le_bytes());
    hello[8..12].copy_from_slice(&BYTE_ORDER.to_ne_bytes());
    hello[12..].copy_from_slice(&random::<32>()?);
    Ok(hello)
}

/// Looks at the other side's hello.
fn check(theirs: &Hello) -> Result<(), Stranger> {
    let word = |at: usize| std::array::from_fn(|i| theirs[at + i]);
    match u32::from_le_bytes(word(4)) {
        _ if theirs[..4] != MAGIC => Err(Stranger::Language),
        version if version != PROTOCOL => Err(Stranger::Version(version)),
        _ if u32::from_ne_bytes(word(8)) != BYTE_ORDER => Err(Stranger::ByteOrder),
        _ => Ok(()),
    }
}

/// Who proves that it knows the key.
#[derive(Clone, Copy)]
enum Role {
    Client,
    Server,
}

/// All that was said so far.
struct Transcript<'a> {
    key: &'a Key,
    binding: &'a [u8],
    client: &'a Hello,
    server: &'a Hello,
}

impl Transcript<'_> {
    fn mac(&self, role: Role, head: &[u8]) -> Hmac<Sha256> {
        let mac = <Hmac<Sha256> as KeyInit>::new_from_slice(self.key.expose());
        let role: &[u8] = match role {
            Role::Client => b"client",
            Role::Server => b"server",
        };
        mac.expect("an HMAC takes keys of any length")
            .chain_update(role)
            .chain_update(self.client)
            .chain_update(self.server)
            .chain_update(self.binding)
            .chain_update(head)
    }

    fn prove(&self, role: Role, head: &[u8]) -> [u8; PROOF] {
        self.mac(role, head).finalize().into_bytes().into()
    }

    /// Looks at a proof, in a time that says nothing about the right one.
    fn verify(&self, role: Role, head: &[u8], proof: &[u8]) -> Result<(), Stranger> {
        self.mac(role, head).verify_slice(proof).map_err(|_| Stranger::WrongKey)
    }
}

/// The server's side of a greeting.
pub(crate) struct Host {
    key: Key,
    binding: Vec<u8>,
    ours: Hello,
    theirs: Option<Hello>,
}

impl Host {
    pub(crate) fn new(key: Key) -> io::Result<Self> {
        Ok(Self { key, binding: Vec::new(), ours: hello()?, theirs: None })
    }

    /// Binds the greeting to the channel through which it goes, by what its two sides know.
    pub(crate) fn bind(&mut self, binding: Vec<u8>) {
        self.binding = binding;
    }

    /// The length of the client's next message.
    pub(crate) fn wanted(&self) -> usize {
        if self.theirs.is_none() { HELLO } else { PROOF }
    }

    /// Takes the client's next message, and tells whether it has proved that it knows the key.
    /// What goes into `reply` is to be sent, also after an error.
    pub(crate) fn take(&mut self, message: &[u8], reply: &mut Vec<u8>) -> Result<bool, Stranger> {
        let Some(theirs) = &self.theirs else {
            let theirs: Hello = message.try_into().map_err(|_| Stranger::Language)?;
            if theirs[..4] != MAGIC {
                return Err(Stranger::Language);
            }
            // Who speaks another version learns which one is spoken here.
            reply.extend_from_slice(&self.ours);
            check(&theirs)?;
            self.theirs = Some(theirs);
            return Ok(false);
        };
        let verified = self.transcript(theirs).verify(Role::Client, &[], message);
        verified.inspect_err(|_| reply.extend_from_slice(&refusal(WRONG_KEY)))?;
        Ok(true)
    }

    /// What a client is told that has proved itself: who lets it in, or, without that, that there
    /// is no place.
    pub(crate) fn verdict(&self, identity: Option<Identity>) -> [u8; VERDICT] {
        let (Some(identity), Some(theirs)) = (identity, &self.theirs) else {
            return refusal(CROWDED);
        };
        let Identity { server, pid, max_frame } = identity;
        let mut verdict = refusal(ADMITTED);
        verdict[1..17].copy_from_slice(&server.to_le_bytes());
        verdict[17..21].copy_from_slice(&pid.to_le_bytes());
        verdict[21..HEAD].copy_from_slice(&max_frame.to_le_bytes());
        let proof = self.transcript(theirs).prove(Role::Server, &verdict[..HEAD]);
        verdict[HEAD..].copy_from_slice(&proof);
        verdict
    }

    fn transcript<'a>(&'a self, client: &'a Hello) -> Transcript<'a> {
        Transcript { key: &self.key, binding: &self.binding, client, server: &self.ours }
    }
}

/// A verdict without a proof: it lets nobody in, so it needs none.
fn refusal(word: u8) -> [u8; VERDICT] {
    let mut verdict = [0; VERDICT];
    verdict[0] = word;
    verdict
}

/// The client's side of a greeting.
pub(crate) struct Caller {
    key: Key,
    binding: Vec<u8>,
    ours: Hello,
    theirs: Hello,
}

impl Caller {
    /// Begins; what is to be sent first is [`hello`](Self::hello).
    pub(crate) fn new(key: Key, binding: Vec<u8>) -> io::Result<Self> {
        Ok(Self { key, binding, ours: hello()?, theirs: [0; HELLO] })
    }

    pub(crate) fn hello(&self) -> &[u8] {
        &self.ours
    }

    /// Takes the server's hello; what comes of it is to be sent.
    pub(crate) fn take_hello(&mut self, theirs: [u8; HELLO]) -> Result<[u8; PROOF], Stranger> {
        check(&theirs)?;
        self.theirs = theirs;
        Ok(self.transcript().prove(Role::Client, &[]))
    }

    /// Takes the server's verdict.
    pub(crate) fn take_verdict(&self, verdict: &[u8; VERDICT]) -> Result<Identity, Stranger> {
        let (head, proof) = verdict.split_at(HEAD);
        match head[0] {
            ADMITTED => self.transcript().verify(Role::Server, head, proof)?,
            WRONG_KEY => return Err(Stranger::WrongKey),
            CROWDED => return Err(Stranger::Crowded),
            _ => return Err(Stranger::Language),
        }
        Ok(Identity {
            server: u128::from_le_bytes(std::array::from_fn(|i| head[1 + i])),
            pid: u32::from_le_bytes(std::array::from_fn(|i| head[17 + i])),
            max_frame: u64::from_le_bytes(std::array::from_fn(|i| head[21 + i])),
        })
    }

    fn transcript(&self) -> Transcript<'_> {
        let (client, server) = (&self.ours, &self.theirs);
        Transcript { key: &self.key, binding: &self.binding, client, server }
    }
}

#[cfg(test)]
#[path = "greeting_tests.rs"]
mod tests;
