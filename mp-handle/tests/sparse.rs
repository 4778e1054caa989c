//! Sparse regions have the pages that were asked for, and no others.

use std::error::Error;

use mp_handle::{Kind, Parcel, Post, Region, RegionError};

const HEAP: Kind = Kind::new(1000, "heap");
const EXTENT: usize = 1 << 40;
const MIB: usize = 1 << 20;

/// Bytes of memory that a region has.
fn taken(region: &Region) -> u64 {
    rustix::fs::fstat(region.descriptor()).unwrap().st_blocks as u64 * 512
}

#[test]
fn what_is_not_reserved_takes_no_memory() -> Result<(), Box<dyn Error>> {
    let region = Region::create_sparse(HEAP, 0, EXTENT, 100)?;
    let page = rustix::param::page_size() as u64;
    assert_eq!(taken(&region), page);
    region.reserve(7 * MIB, MIB)?;
    let reserved = taken(&region);
    assert!((MIB as u64 + page..MIB as u64 + 3 * page).contains(&reserved), "{reserved}");
    let window = region.window(7 * MIB, MIB)?;
    window.write(MIB - 2, b"ab")?;
    assert_eq!(taken(&region), reserved);
    Ok(())
}

#[test]
fn what_is_released_is_zero_for_all() -> Result<(), Box<dyn Error>> {
    let region = Region::create_sparse(HEAP, 0, EXTENT, 100)?;
    let peer = Region::open_sparse(region.descriptor().clone(), HEAP, 0, 100)?;
    region.reserve(MIB, MIB)?;
    let (window, other) = (region.window(MIB, MIB)?, peer.window(MIB, MIB)?);
    window.write(MIB / 2, b"ab")?;
    let mut bytes = [0; 2];
    other.read(MIB / 2, &mut bytes)?;
    assert_eq!(&bytes, b"ab");
    peer.release(MIB, MIB)?;
    window.read(MIB / 2, &mut bytes)?;
    assert_eq!(bytes, [0, 0]);
    Ok(())
}

#[test]
fn nothing_is_mapped_or_copied_beyond_the_end() -> Result<(), Box<dyn Error>> {
    let region = Region::create_sparse(HEAP, 0, MIB, 100)?;
    assert_eq!((region.len(), region.extent()), (100, MIB));
    assert!(region.read(99, &mut [0; 2]).is_err());
    for (offset, len) in [(MIB, 1), (MIB - 1, 2), (0, MIB + 1), (usize::MAX, 2), (2, usize::MAX)] {
        assert!(matches!(region.window(offset, len), Err(RegionError::TooSmall(_))));
        assert!(matches!(region.reserve(offset, len), Err(RegionError::TooSmall(_))));
        assert!(matches!(region.release(offset, len), Err(RegionError::TooSmall(_))));
    }
    let window = region.window(10, 20)?;
    assert!(window.write(19, &[1, 2]).is_err());
    assert!(window.read(usize::MAX, &mut [0; 2]).is_err());
    assert!(window.read_to(0, 21, &mut Vec::with_capacity(21)).is_err());
    assert!(Region::open_sparse(region.descriptor().clone(), HEAP, 0, MIB + 1).is_err());
    Ok(())
}

#[test]
fn a_peeked_parcel_stays_with_its_descriptors() -> Result<(), Box<dyn Error>> {
    let (ours, theirs) = Post::pair()?;
    let region = Region::create(HEAP, 0, 64)?;
    ours.send(1, &Parcel::encode(&region)?)?;
    ours.send(2, &Parcel::encode(&vec![7_u8; 100_000])?)?;
    for value in [3, 4] {
        let (tag, parcel) = theirs.peek()?.ok_or("gone")?;
        let copy: Region = parcel.decode()?;
        copy.write(0, &[value])?;
        let mut seen = [0];
        region.read(0, &mut seen)?;
        assert_eq!((tag, seen), (1, [value]));
    }
    theirs.discard()?;
    for _ in 0..2 {
        let (tag, parcel) = theirs.peek()?.ok_or("gone")?;
        assert_eq!((tag, parcel.decode::<Vec<u8>>()?.len()), (2, 100_000));
    }
    theirs.discard()?;
    theirs.discard()?;
    drop(ours);
    assert!(theirs.peek()?.is_none());
    Ok(())
}
