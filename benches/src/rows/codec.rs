//! Encoding and decoding, against plain copies of as many bytes, and against postcard.

use std::hint::black_box;
use std::rc::Rc;
use std::time::Instant;

use anyhow::Result;
use mp_handle::Parcel;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_bytes::ByteBuf;

use crate::row::{Better, Row, Scale, System};

const MIB: usize = 1 << 20;

/// A message as programs send them.
#[derive(Clone, Serialize, Deserialize)]
struct Record {
    id: u64,
    name: String,
    place: (f64, f64),
    tags: Vec<u32>,
    parent: Option<u64>,
}

pub(crate) fn rows(scale: Scale) -> Vec<Row> {
    let once = scale.of(64 * MIB);
    let bytes = |len: usize| (0..len).map(|i| i as u8).collect::<Vec<u8>>();
    let floats = |len: usize| (0..len).map(|i| i as f64).collect::<Vec<f64>>();
    let record = Record {
        id: 1 << 40,
        name: "a name of the usual length".into(),
        place: (48.137, 11.575),
        tags: vec![1, 20, 300],
        parent: Some(7),
    };
    let mut rows = Vec::new();
    rows.extend(both("bytes-1m", "Vec<u8> of 1 MiB", bytes(MIB), MIB, once));
    rows.extend(both("bytes-16m", "Vec<u8> of 16 MiB", bytes(16 * MIB), 16 * MIB, once));
    rows.extend(both("bytebuf-1m", "ByteBuf of 1 MiB", ByteBuf::from(bytes(MIB)), MIB, once));
    rows.extend(both("floats-1m", "Vec<f64> of 1 MiB", floats(MIB / 8), MIB, once));
    rows.extend(both("string-1m", "String of 1 MiB", "abcdefgh".repeat(MIB / 8), MIB, once));
    let matrix = vec![floats(100); 1000];
    rows.extend(both("matrix", "Vec<Vec<f64>>, 1000 by 100", matrix, 800_000, once));
    rows.extend(both("record", "a small struct", record, 0, scale.of(10_000)));
    rows
}

/// What a value has in common with its copies.
struct Payload<T> {
    value: T,
    /// 0 if it is counted in nanoseconds each, and not in bytes.
    bytes: usize,
    repeats: usize,
}

/// The two rows of a value; `once` says how many bytes, or values, are one sample.
fn both<T>(name: &str, about: &str, value: T, bytes: usize, once: usize) -> [Row; 2]
where
    T: Serialize + DeserializeOwned + Clone + 'static,
{
    let repeats = once.checked_div(bytes).unwrap_or(once).max(1);
    let payload = Rc::new(Payload { value, bytes, repeats });
    let (unit, better) = if bytes > 0 { ("GiB/s", Better::Higher) } else { ("ns", Better::Lower) };
    let row = |verb: &str, systems| Row {
        name: format!("{verb}-{name}"),
        about: format!("{verb} {about}"),
        unit,
        better,
        ballast: 0,
        systems,
    };
    [row("encode", encoders(&payload)), row("decode", decoders(&payload))]
}

fn encoders<T: Serialize + Clone + 'static>(payload: &Rc<Payload<T>>) -> Vec<System> {
    let ours = system("ours", payload, |payload| {
        let payload = Rc::clone(payload);
        Ok(move || {
            black_box(Parcel::encode(&payload.value)?);
            Ok(())
        })
    });
    let postcard = system("postcard, kept buffer", payload, |payload| {
        let payload = Rc::clone(payload);
        let mut buffer = Vec::new();
        Ok(move || {
            buffer.clear();
            buffer = postcard::to_extend(black_box(&payload.value), std::mem::take(&mut buffer))?;
            Ok(())
        })
    });
    let kept = system("copy, kept buffer", payload, |payload| {
        let source = Parcel::encode(&payload.value)?;
        let mut buffer = Vec::new();
        Ok(move || {
            buffer.clear();
            buffer.extend_from_slice(black_box(source.bytes()));
            black_box(&buffer);
            Ok(())
        })
    });
    let fresh = system("copy, fresh buffer", payload, |payload| {
        let source = Parcel::encode(&payload.value)?;
        Ok(move || {
            black_box(black_box(source.bytes()).to_vec());
            Ok(())
        })
    });
    vec![ours, postcard, kept, fresh]
}

fn decoders<T>(payload: &Rc<Payload<T>>) -> Vec<System>
where
    T: Serialize + DeserializeOwned + Clone + 'static,
{
    let ours = system("ours", payload, |payload| {
        let parcel = Parcel::encode(&payload.value)?;
        Ok(move || {
            black_box(parcel.get::<T>(0..parcel.bytes().len())?);
            Ok(())
        })
    });
    let postcard = system("postcard", payload, |payload| {
        let bytes = postcard::to_allocvec(&payload.value)?;
        Ok(move || {
            black_box(postcard::from_bytes::<T>(black_box(&bytes))?);
            Ok(())
        })
    });
    let clone = system("clone", payload, |payload| {
        let payload = Rc::clone(payload);
        Ok(move || {
            black_box(black_box(&payload.value).clone());
            Ok(())
        })
    });
    vec![ours, postcard, clone]
}

/// A system that does what `setup` returns as often as the payload says.
fn system<T: 'static, B: FnMut() -> Result<()> + 'static>(
    name: &'static str,
    payload: &Rc<Payload<T>>,
    setup: impl FnOnce(&Rc<Payload<T>>) -> Result<B> + 'static,
) -> System {
    let payload = Rc::clone(payload);
    System::new(name, move || {
        let mut body = setup(&payload)?;
        Ok(move || {
            let begin = Instant::now();
            (0..payload.repeats).try_for_each(|_| body())?;
            let each = begin.elapsed().as_secs_f64() / payload.repeats as f64;
            Ok(match payload.bytes {
                0 => each * 1e9,
                bytes => bytes as f64 / each / f64::from(1 << 30),
            })
        })
    })
}
