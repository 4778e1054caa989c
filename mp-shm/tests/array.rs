//! An array has the elements it was made with, at any size, or there is an error.

mod common {
    pub(crate) mod parcel;
    pub(crate) mod watchdog;
}

use common::parcel::arrive;
use common::watchdog::watchdog;
use mp_process::spawn;
use mp_shm::{AccessError, Array, Data, RawArray, RegionError};
use mp_sync::Lock;

#[test]
fn smoke() {
    let array = Array::from_slice(&[1, 2, 3]).unwrap();
    array.set(1, 20).unwrap();
    assert_eq!(array.get(1).unwrap(), 20);
    array.lock().unwrap()[2] += 10;
    assert_eq!(array.to_vec().unwrap(), [1, 20, 13]);
    assert_eq!(*arrive(&array).lock().unwrap(), [1, 20, 13]);
    assert_eq!((array.len(), array.is_empty()), (3, false));
}

#[test]
fn any_number_of_elements_is_kept_around_the_edges_of_pages() {
    let page = rustix::param::page_size();
    let overheads = [0, 64, 128, 144, 2048, 2192];
    let sizes = [0, 1, 2, page - 1, page, page + 1, 3 * page, 100_000];
    let edges = overheads.iter().flat_map(|overhead| {
        [page - overhead - 1, page - overhead, (page - overhead + 1).min(page)]
    });
    for size in sizes.into_iter().chain(edges) {
        let bytes: Vec<u8> = (0..size).map(|at| at as u8).collect();
        let (array, raw) =
            (Array::from_slice(&bytes).unwrap(), RawArray::from_slice(&bytes).unwrap());
        assert_eq!(arrive(&array).to_vec().unwrap(), bytes);
        assert_eq!(arrive(&raw).to_vec(), bytes);
        // All bytes set, the lock beside them works.
        arrive(&array).lock().unwrap().fill(0xff);
        assert!(array.lock().unwrap().iter().all(|&byte| byte == 0xff));
        assert_eq!(array.lock().unwrap().len(), size);
    }
}

#[test]
fn what_no_memory_could_hold_is_an_error() {
    let refuse = |error: RegionError| {
        use RegionError::{FileSizeLimit, NoMemory, TooLarge};
        assert!(
            matches!(error, NoMemory { .. } | TooLarge { .. } | FileSizeLimit { .. }),
            "{error}"
        );
    };
    for len in [usize::MAX, usize::MAX / 8, isize::MAX as usize / 8, 1 << 50] {
        refuse(Array::<u64>::zeroed(len).unwrap_err());
        refuse(RawArray::<u64>::zeroed(len).unwrap_err());
        refuse(Array::<[u128; 9]>::zeroed(len).unwrap_err());
    }
    refuse(Array::<u8>::zeroed(usize::MAX - 100).unwrap_err());
}

#[test]
fn elements_lie_where_their_type_wants_them() {
    #[derive(Clone, Copy, Data)]
    #[repr(C, align(64))]
    struct Line([u64; 8]);

    let array = Array::from_slice(&[Line([1; 8]), Line([2; 8])]).unwrap();
    let guard = array.lock().unwrap();
    assert_eq!((&raw const guard[0]).addr() % 64, 0);
    assert_eq!(guard[1].0, [2; 8]);
    let wide = Array::<u128>::zeroed(3).unwrap();
    assert_eq!(wide.lock().unwrap().as_ptr().addr() % 16, 0);
    assert_eq!(RawArray::<u128>::zeroed(1).unwrap().as_ptr().addr() % 64, 0);
}

#[test]
fn an_index_beyond_the_end_is_an_error_that_says_so() {
    let array = Array::from_slice(&[1, 2]).unwrap();
    let error = array.get(2).unwrap_err();
    assert!(matches!(error, AccessError::OutOfBounds { index: 2, len: 2 }));
    assert_eq!(error.to_string(), "no element 2 in a shared array of 2");
    assert!(array.set(usize::MAX, 0).is_err());
    let guard = array.lock().unwrap();
    assert!(guard.get(2).is_err());
    let empty = Array::<u8>::zeroed(0).unwrap();
    assert!(empty.is_empty() && empty.get(0).is_err() && empty.lock().unwrap().is_empty());
}

#[mp_process::test]
fn elements_that_must_be_checked_are_used_by_copies() {
    let letters = Array::from_slice(&['a', 'b', 'c']).unwrap();
    let set = |letters: Array<char>| letters.set(1, 'ß').unwrap();
    spawn(set, (letters.clone(),)).unwrap().join().unwrap();
    assert_eq!(letters.to_vec().unwrap(), ['a', 'ß', 'c']);
    let mut guard = letters.lock().unwrap();
    guard.set(0, 'z').unwrap();
    assert_eq!(guard.get(0).unwrap(), 'z');
}

#[mp_process::test]
fn each_process_sees_the_writes_of_all() {
    let _watchdog = watchdog();
    let array = Array::<u32>::zeroed(64).unwrap();
    let count = |array: Array<u32>| {
        for turn in 0..2_000 {
            array.lock().unwrap()[turn % 64] += 1;
        }
    };
    let children = [(); 4].map(|()| spawn(count, (array.clone(),)).unwrap());
    children.into_iter().for_each(|child| child.join().unwrap());
    assert_eq!(array.lock().unwrap().iter().sum::<u32>(), 8_000);
}

#[test]
fn the_guard_of_a_shared_lock_opens_all_that_share_it() {
    let lock = Lock::new().unwrap();
    let first = Array::with_lock(&[1, 2], &lock).unwrap();
    let second = Array::zeroed_with_lock(2, &lock).unwrap();
    let mut guard = lock.lock().unwrap();
    let sum: i32 = first.borrow(&guard).unwrap().iter().sum();
    second.borrow_mut(&mut guard).unwrap()[0] = sum;
    drop(guard);
    assert_eq!(second.to_vec().unwrap(), [3, 0]);
    let other = Lock::new().unwrap();
    assert!(first.borrow(&other.lock().unwrap()).is_none());
}
