//! What became of chunks of one client, on the way back to it.

use std::sync::Arc;

use super::reader::put_block;
use super::task::Stored;
use super::{ClientId, Reader};

/// What a result message begins with.
const RESULT: u8 = b'R';

const ANSWERED: u8 = 0;
const STORED: u8 = 1;
const AGAIN: u8 = 2;

/// What came of a chunk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Returned<B> {
    /// Its encoded answers.
    Answers(B),
    /// They are in the store.
    Stored(Stored),
    /// None yet: it is about to be begun again, since whoever had it was lost.
    Again,
}

/// The results of some chunks of one client, from one agent.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct ResultMessage<'a> {
    pub(crate) client: ClientId,
    /// The machine of the agent.
    pub(crate) host: Arc<str>,
    /// The numbers of the chunks, and what came of each.
    pub(crate) results: Vec<(u64, Returned<&'a [u8]>)>,
}

/// Writes a message of results.
pub(crate) fn encode_results<B: AsRef<[u8]>>(
    client: ClientId,
    host: &str,
    results: &[(u64, Returned<B>)],
) -> Vec<u8> {
    let mut out = vec![RESULT];
    out.extend_from_slice(&client.bytes());
    put_block(&mut out, host.as_bytes());
    for (number, returned) in results {
        out.extend_from_slice(&number.to_le_bytes());
        match returned {
            Returned::Answers(answers) => {
                out.push(ANSWERED);
                put_block(&mut out, answers.as_ref());
            }
            Returned::Stored(stored) => {
                out.push(STORED);
                stored.write(&mut out);
            }
            Returned::Again => out.push(AGAIN),
        }
    }
    out
}

impl<'a> ResultMessage<'a> {
    pub(crate) fn decode(message: &'a [u8]) -> Option<Self> {
        let mut reader = Reader::new(message);
        if reader.byte()? != RESULT {
            return None;
        }
        let client = ClientId::read(&mut reader)?;
        let host = std::str::from_utf8(reader.block()?).ok()?.into();
        let mut results = Vec::new();
        while !reader.is_empty() {
            let number = reader.u64()?;
            let returned = match reader.byte()? {
                ANSWERED => Returned::Answers(reader.block()?),
                STORED => Returned::Stored(Stored::read(&mut reader)?),
                AGAIN => Returned::Again,
                _ => return None,
            };
            results.push((number, returned));
        }
        Some(Self { client, host, results })
    }
}

#[cfg(test)]
mod tests {
    use super::{ResultMessage, Returned, encode_results};
    use crate::message::{ClientId, Digest, Stored};

    #[test]
    fn what_was_encoded_is_decoded() {
        let client = ClientId::new();
        let stored = Stored { digest: Digest::of(b"large"), len: 5 };
        let results: Vec<(u64, Returned<&[u8]>)> = vec![
            (1, Returned::Answers(b"one")),
            (2, Returned::Stored(stored)),
            (3, Returned::Again),
        ];
        let message = encode_results(client, "node", &results);
        let whole = ResultMessage { client, host: "node".into(), results };
        assert_eq!(ResultMessage::decode(&message), Some(whole));
        assert_eq!(ResultMessage::decode(&message[..message.len() - 1]), None);
        assert_eq!(ResultMessage::decode(b"T"), None);
    }
}
