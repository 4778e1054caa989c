//! What may be shared, and how two programs notice that they do not mean the same.

use mp_handle::Parcel;
use mp_shm::{Array, Data, Plain, RegionError, Text, TextError, Value};

/// A structure of an older program, and of a newer one with its fields in another order.
mod older {
    #[derive(Clone, Copy, mp_shm::Data)]
    #[repr(C)]
    pub(crate) struct Span {
        pub(crate) start: u32,
        pub(crate) end: u32,
    }
}

mod newer {
    #[derive(Clone, Copy, mp_shm::Data)]
    #[repr(C)]
    pub(crate) struct Span {
        pub(crate) end: u32,
        pub(crate) start: u32,
    }

    /// The same, but for one letter.
    pub(crate) mod renamed {
        #[derive(Clone, Copy, mp_shm::Data)]
        #[repr(C)]
        pub(crate) struct Span {
            pub(crate) start: u32,
            pub(crate) ends: u32,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Data)]
#[repr(i16)]
enum Level {
    Low = -1,
    High = 500,
}

#[derive(Clone, Copy, Data)]
#[repr(transparent)]
struct Meters(f64);

#[derive(Clone, Copy, Data)]
#[repr(C)]
struct Nested {
    spans: [older::Span; 2],
    length: Meters,
    label: Text<8>,
}

#[test]
fn an_order_of_fields_that_changed_is_an_error_that_names_both() {
    let value = Value::new(older::Span { start: 1, end: 2 }).unwrap();
    let (ours, theirs) = (older::Span::FINGERPRINT, newer::Span::FINGERPRINT);
    let error = Parcel::encode(&value).unwrap().decode::<Value<newer::Span>>().unwrap_err();
    let text = error.to_string();
    for fingerprint in [ours, theirs] {
        assert!(text.contains(&format!("{fingerprint:#018x}")), "{text}");
    }
    assert_ne!(ours, newer::renamed::Span::FINGERPRINT);
    assert_eq!(value.lock().unwrap().end, 2);
    let newer = newer::Span { end: 1, start: 0 };
    let renamed = newer::renamed::Span { start: 0, ends: 1 };
    assert_eq!((newer.start, newer.end), (renamed.start, renamed.ends));
}

#[test]
fn no_two_types_have_the_same_fingerprint() {
    #[derive(Clone, Copy, Data)]
    #[repr(u8)]
    enum Yes {
        On = 1,
    }
    #[derive(Clone, Copy, Data)]
    #[repr(u8)]
    enum No {
        On = 2,
    }
    let all = [
        u8::FINGERPRINT,
        u16::FINGERPRINT,
        u32::FINGERPRINT,
        u64::FINGERPRINT,
        u128::FINGERPRINT,
        i8::FINGERPRINT,
        i16::FINGERPRINT,
        i32::FINGERPRINT,
        i64::FINGERPRINT,
        i128::FINGERPRINT,
        usize::FINGERPRINT,
        isize::FINGERPRINT,
        f32::FINGERPRINT,
        f64::FINGERPRINT,
        bool::FINGERPRINT,
        char::FINGERPRINT,
        <[u8; 4]>::FINGERPRINT,
        <[u8; 5]>::FINGERPRINT,
        <[[u8; 4]; 5]>::FINGERPRINT,
        <[[u8; 5]; 4]>::FINGERPRINT,
        <[u8; 20]>::FINGERPRINT,
        Text::<4>::FINGERPRINT,
        Text::<5>::FINGERPRINT,
        Meters::FINGERPRINT,
        Level::FINGERPRINT,
        older::Span::FINGERPRINT,
        newer::Span::FINGERPRINT,
        Nested::FINGERPRINT,
        Yes::FINGERPRINT,
        No::FINGERPRINT,
    ];
    let different: std::collections::BTreeSet<u64> = all.into_iter().collect();
    assert_eq!(different.len(), all.len());
}

#[test]
fn derived_types_are_plain_or_checked() {
    fn is_plain<T: Plain>() {}
    is_plain::<Nested>();
    is_plain::<Meters>();
    let levels = Array::from_slice(&[Level::Low, Level::High]).unwrap();
    assert_eq!(levels.to_vec().unwrap(), [Level::Low, Level::High]);
    let spans = [older::Span { start: 1, end: 2 }; 2];
    let label = "label".parse().unwrap();
    let nested = Value::new(Nested { spans, length: Meters(2.5), label }).unwrap();
    nested.lock().unwrap().spans[1].end = 7;
    let copy = nested.get().unwrap();
    assert_eq!((copy.spans[1].end, copy.spans[1].start, copy.length.0), (7, 1, 2.5));
    assert_eq!(copy.label.as_str(), "label");
}

#[test]
fn texts_fit_or_say_why_not() {
    assert_eq!("äöü".parse::<Text<6>>().unwrap().as_str(), "äöü");
    assert_eq!("äöü".parse::<Text<5>>().unwrap_err(), TextError::TooLong { len: 6, max: 5 });
    assert_eq!("a\0b".parse::<Text<5>>().unwrap_err(), TextError::Nul);
    assert_eq!(Text::<3>::default().as_str(), "");
    assert_eq!(format!("{0:>4}|{0:?}", "ab".parse::<Text<3>>().unwrap()), "  ab|\"ab\"");
}

#[test]
fn bytes_that_are_no_text_end_it() {
    for (bytes, text) in [(*b"ab\xffd", "ab"), (*b"a\0b\xff", "a"), (*b"\xc3\xa4\xc3a", "ä")] {
        assert_eq!(mp_shm::bytemuck::cast::<[u8; 4], Text<4>>(bytes).as_str(), text);
    }
}

#[test]
fn what_is_refused_is_told_by_name() {
    let name = format!("data-refused-{}", std::process::id());
    let _array = Array::create(&name, &[1.0_f64]).unwrap();
    let error = Array::<u32>::open(&name).unwrap_err();
    Array::<f64>::unlink(&name).unwrap();
    let RegionError::Fingerprint { expected, found, .. } = error else { panic!("{error}") };
    assert_eq!((expected, found), (u32::FINGERPRINT, f64::FINGERPRINT));
}
