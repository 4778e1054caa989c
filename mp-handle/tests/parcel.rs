//! Values and the handles in them, on their way through a parcel.

use std::collections::BTreeMap;
use std::ops::Range;
use std::os::fd::{AsFd, AsRawFd};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::thread;

use mp_handle::{CodecError, Descriptor, Parcel};
use serde::de::DeserializeOwned;
use serde::ser::Error;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

#[path = "common/handles.rs"]
mod handles;
use handles::{number_of, numbered};

fn travel<T: Serialize + DeserializeOwned>(value: &T) -> T {
    Parcel::encode(value).unwrap().decode().unwrap()
}

/// Attaches its handle, and then fails in the one way or the other.
enum Failing {
    Error(Descriptor),
    Panic(Descriptor),
}

impl Serialize for Failing {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let (Self::Error(handle) | Self::Panic(handle)) = self;
        ("some bytes", handle).serialize(serializer)?;
        match self {
            Self::Error(_) => Err(S::Error::custom("this cannot travel")),
            Self::Panic(_) => panic!("this panics"),
        }
    }
}

/// Pushes something that panics.
fn push_panic(parcel: &mut Parcel, handle: Descriptor) {
    let push = AssertUnwindSafe(|| parcel.push(&Failing::Panic(handle)));
    assert!(catch_unwind(push).is_err());
}

#[test]
fn smoke() {
    let parcel = Parcel::encode(&("answer", numbered(42))).unwrap();
    assert_eq!(parcel.descriptors().len(), 1);
    let (text, handle): (String, Descriptor) = parcel.decode().unwrap();
    assert_eq!((text.as_str(), number_of(&handle)), ("answer", 42));
}

#[test]
fn handles_travel_in_every_shape_of_value() {
    #[derive(Serialize, Deserialize)]
    #[serde(untagged)]
    enum Either {
        Handle { handle: Descriptor },
        Text(String),
    }
    #[derive(Serialize, Deserialize)]
    struct Flat {
        inner: Option<Box<Descriptor>>,
    }
    #[derive(Serialize, Deserialize)]
    struct All {
        list: Vec<Descriptor>,
        map: BTreeMap<u8, Descriptor>,
        either: [Either; 2],
        #[serde(flatten)]
        flat: Flat,
    }
    let all = travel(&All {
        list: (0..3).map(numbered).collect(),
        map: BTreeMap::from([(7, numbered(3))]),
        either: [Either::Text("text".into()), Either::Handle { handle: numbered(4) }],
        flat: Flat { inner: Some(Box::new(numbered(5))) },
    });
    let list: Vec<u64> = all.list.iter().map(number_of).collect();
    assert_eq!(list, [0, 1, 2]);
    assert_eq!(number_of(&all.map[&7]), 3);
    assert!(matches!(&all.either[0], Either::Text(text) if text == "text"));
    assert!(matches!(&all.either[1], Either::Handle { handle } if number_of(handle) == 4));
    assert_eq!(number_of(*all.flat.inner.unwrap()), 5);
}

#[test]
fn a_handle_cloned_a_hundred_times_travels_once() {
    let parcel = Parcel::encode(&vec![numbered(1); 100]).unwrap();
    assert_eq!(parcel.descriptors().len(), 1);
    let arrived: Vec<Descriptor> = parcel.decode().unwrap();
    assert_eq!(arrived.iter().map(number_of).collect::<Vec<_>>(), [1; 100]);
}

#[test]
fn outside_of_a_parcel_is_an_error_that_says_so() {
    let error = serde_json::to_string(&numbered(0)).unwrap_err().to_string();
    assert!(error.contains("travels only inside a Parcel"), "{error}");
    let error = serde_json::from_str::<Descriptor>("0").unwrap_err().to_string();
    assert!(error.contains("travels only inside a Parcel"), "{error}");
}

#[test]
fn another_thread_is_outside_of_the_parcel() {
    struct Elsewhere(Descriptor);
    impl Serialize for Elsewhere {
        fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            let there = thread::scope(|scope| {
                scope.spawn(|| serde_json::to_string(&self.0).is_err()).join().unwrap()
            });
            (there, &self.0).serialize(serializer)
        }
    }
    let parcel = Parcel::encode(&Elsewhere(numbered(9))).unwrap();
    let (refused, handle): (bool, Descriptor) = parcel.decode().unwrap();
    assert!(refused);
    assert_eq!(number_of(handle), 9);
}

#[test]
fn a_handle_that_is_not_in_the_parcel_is_an_error() {
    let parcel = Parcel::encode(&[numbered(0), numbered(1)]).unwrap();
    let lost = Parcel::from_parts(parcel.bytes().to_vec(), parcel.descriptors()[..1].to_vec());
    let error = lost.decode::<[Descriptor; 2]>().unwrap_err().to_string();
    assert!(error.contains("handle 1 of a parcel that carries 1"), "{error}");
    assert!(Parcel::encode(&u32::MAX).unwrap().decode::<Descriptor>().is_err());
    assert!(Parcel::encode("text").unwrap().decode::<Descriptor>().is_err());
}

#[test]
fn a_handle_can_be_owned_again() {
    let only = numbered(1);
    let number = only.as_fd().as_raw_fd();
    assert_eq!(only.into_owned().unwrap().as_raw_fd(), number);
    let first = numbered(2);
    let second = first.clone().into_owned().unwrap();
    assert_eq!((number_of(first), number_of(second)), (2, 2));
}

#[test]
fn values_are_taken_out_in_any_order() {
    let handle = numbered(3);
    let mut parcel = Parcel::new();
    let first = parcel.push(&("one", &handle)).unwrap();
    let raw = parcel.push_bytes(&[1, 2, 3]);
    let second = parcel.push(&[&handle, &numbered(4)]).unwrap();
    assert_eq!((first.end, raw.len(), raw.end), (raw.start, 3, second.start));
    assert_eq!(parcel.descriptors().len(), 2);
    let [again, other] = parcel.get::<[Descriptor; 2]>(second).unwrap();
    assert_eq!((number_of(again), number_of(other)), (3, 4));
    let (text, handle) = parcel.get::<(String, Descriptor)>(first).unwrap();
    assert_eq!((text.as_str(), number_of(handle)), ("one", 3));
    assert_eq!(parcel.bytes()[raw], [1, 2, 3]);
}

#[test]
fn a_range_outside_of_the_parcel_is_an_error() {
    let parcel = Parcel::encode(&7u8).unwrap();
    let len = parcel.bytes().len();
    let backwards = Range { start: 2, end: 1 };
    for range in [0..len + 1, len..len, 1..len, 0..len - 1, backwards, 0..usize::MAX] {
        assert!(parcel.get::<u8>(range.clone()).is_err(), "{range:?}");
    }
    assert_eq!(parcel.get::<u8>(0..len).unwrap(), 7);
}

#[test]
fn a_parcel_of_two_values_is_not_one_value() {
    let mut parcel = Parcel::encode(&1u8).unwrap();
    parcel.push(&2u8).unwrap();
    assert!(parcel.decode::<u8>().is_err());
    assert!(Parcel::new().decode::<()>().is_err());
}

#[test]
fn a_failed_push_leaves_the_parcel_as_it_was() {
    let handle = numbered(1);
    let mut parcel = Parcel::new();
    let first = parcel.push(&("first", &handle)).unwrap();
    let bytes = parcel.bytes().to_vec();
    let error = parcel.push(&Failing::Error(numbered(2))).unwrap_err();
    assert_eq!(error.to_string(), "this cannot travel");
    assert_eq!((parcel.bytes(), parcel.descriptors().len()), (&bytes[..], 1));
    push_panic(&mut parcel, numbered(3));
    assert_eq!((parcel.bytes(), parcel.descriptors().len()), (&bytes[..], 1));
    let second = parcel.push(&numbered(4)).unwrap();
    assert_eq!(number_of(parcel.get::<(String, Descriptor)>(first).unwrap().1), 1);
    assert_eq!(number_of(parcel.get::<Descriptor>(second).unwrap()), 4);
}

#[test]
fn after_a_panic_the_thread_is_outside_of_the_parcel() {
    push_panic(&mut Parcel::new(), numbered(1));
    assert!(serde_json::to_string(&numbered(2)).is_err());
    let parcel = Parcel::encode(&numbered(3)).unwrap();
    assert_eq!(parcel.descriptors().len(), 1);
    assert_eq!(number_of(parcel.decode::<Descriptor>().unwrap()), 3);
}

#[test]
fn a_cleared_parcel_is_empty() {
    let mut parcel = Parcel::encode(&("text", numbered(1))).unwrap();
    parcel.clear();
    assert!(parcel.bytes().is_empty() && parcel.descriptors().is_empty());
    let range = parcel.push(&numbered(2)).unwrap();
    assert_eq!((range.start, parcel.descriptors().len()), (0, 1));
    assert_eq!(number_of(parcel.decode::<Descriptor>().unwrap()), 2);
}

/// Travels as a parcel in the parcel, as a queue's message would that holds another's.
struct Nested(Descriptor);

impl Serialize for Nested {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        Parcel::encode(&Failing::Error(numbered(0))).unwrap_err();
        push_panic(&mut Parcel::new(), numbered(0));
        let parcel = Parcel::encode(&self.0).map_err(S::Error::custom)?;
        (parcel.bytes(), parcel.descriptors()).serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Nested {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let (bytes, descriptors) = <(Vec<u8>, Vec<Descriptor>)>::deserialize(deserializer)?;
        let inner: Result<_, CodecError> = Parcel::from_parts(bytes, descriptors).decode();
        inner.map(Nested).map_err(serde::de::Error::custom)
    }
}

#[test]
fn parcels_nest() {
    let nested = (numbered(1), Nested(numbered(2)), numbered(3));
    let parcel = Parcel::encode(&nested).unwrap();
    assert_eq!(parcel.descriptors().len(), 3);
    let (before, Nested(inner), after): (Descriptor, Nested, Descriptor) = parcel.decode().unwrap();
    assert_eq!([before, inner, after].map(number_of), [1, 2, 3]);
}
