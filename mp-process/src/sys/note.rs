//! The note in which the linker has put the identity of a build.

use std::ffi::{c_int, c_void};

/// The type of that note, and the name of who has defined it.
const NT_GNU_BUILD_ID: u32 = 3;
const GNU: &[u8] = b"GNU\0";

/// The identity that the linker gave to the running program, if it did.
pub(crate) fn linked_build_id() -> Option<Vec<u8>> {
    unsafe extern "C" fn look(
        info: *mut libc::dl_phdr_info,
        _size: usize,
        found: *mut c_void,
    ) -> c_int {
        // SAFETY: dl_iterate_phdr passes a valid info, and our own pointer.
        let (info, found) = unsafe { (&*info, &mut *found.cast::<Option<Vec<u8>>>()) };
        // SAFETY: dlpi_phdr points to dlpi_phnum program headers.
        let headers =
            unsafe { std::slice::from_raw_parts(info.dlpi_phdr, usize::from(info.dlpi_phnum)) };
        let notes = headers.iter().filter(|header| header.p_type == libc::PT_NOTE);
        *found = notes.into_iter().find_map(|header| {
            let start = (info.dlpi_addr + header.p_vaddr) as *const u8;
            // SAFETY: the loader has mapped the segment at that address, with that size, to read.
            let segment = unsafe { std::slice::from_raw_parts(start, header.p_memsz as usize) };
            build_id_in(segment).map(<[u8]>::to_vec)
        });
        // The first object is the program itself: no other is of interest.
        1
    }
    let mut found = None;
    // SAFETY: the callback gets the place that this frame owns, and nothing unwinds from it.
    unsafe { libc::dl_iterate_phdr(Some(look), (&raw mut found).cast()) };
    found
}

/// Finds the identity among the notes of a segment, each of which is three words, a name, and a
/// description, the latter two filled up to whole words.
fn build_id_in(mut notes: &[u8]) -> Option<&[u8]> {
    while let Some((header, rest)) = notes.split_first_chunk::<12>() {
        let word = |at: usize| -> Option<u32> {
            Some(u32::from_ne_bytes(header[at..at + 4].try_into().ok()?))
        };
        let (name_len, len, kind) = (word(0)? as usize, word(4)? as usize, word(8)?);
        let (name, rest) = rest.split_at_checked(name_len.next_multiple_of(4))?;
        let description = rest.get(..len)?;
        if kind == NT_GNU_BUILD_ID && name == GNU && len > 0 {
            return Some(description);
        }
        notes = rest.get(len.next_multiple_of(4)..)?;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::build_id_in;

    fn note(kind: u32, name: &[u8], description: &[u8]) -> Vec<u8> {
        let mut note = Vec::new();
        for word in [name.len() as u32, description.len() as u32, kind] {
            note.extend(word.to_ne_bytes());
        }
        for part in [name, description] {
            note.extend(part);
            note.resize(note.len().next_multiple_of(4), 0);
        }
        note
    }

    #[test]
    fn the_identity_is_found_behind_other_notes() {
        let notes =
            [note(1, b"GNU\0", b"abi"), note(5, b"Rust\0", b""), note(3, b"GNU\0", b"12345")];
        assert_eq!(build_id_in(&notes.concat()), Some(&b"12345"[..]));
    }

    #[test]
    fn nonsense_has_no_identity() {
        let whole = note(3, b"GNU\0", b"12345");
        for end in 0..whole.len() - 4 {
            assert_eq!(build_id_in(&whole[..end]), None);
        }
        let endless =
            [u32::MAX.to_ne_bytes(), u32::MAX.to_ne_bytes(), 3_u32.to_ne_bytes()].concat();
        assert_eq!(build_id_in(&endless), None);
    }
}
