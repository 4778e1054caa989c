//! Memory with a name: the file, who opens it, and what is refused.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::os::unix::net::UnixListener;

use mp_shm::{Name, RegionError, SharedMemory};

fn name(what: &str) -> String {
    format!("named-{what}-{}", std::process::id())
}

fn read<const N: usize>(memory: &SharedMemory, offset: usize) -> [u8; N] {
    let mut bytes = [0; N];
    memory.read(offset, &mut bytes).unwrap();
    bytes
}

fn path(name: &str) -> String {
    format!("/dev/shm/{name}")
}

#[test]
fn the_file_is_as_asked_for_and_nothing_more() {
    let name = name("file");
    let memory = SharedMemory::create(&name, 4097).unwrap();
    let file = fs::metadata(path(&name)).unwrap();
    assert_eq!((file.len(), file.permissions().mode() & 0o777), (4097, 0o600));
    assert_eq!(fs::read(path(&name)).unwrap(), [0; 4097]);
    assert_eq!(memory.name(), Some(&*name));
    SharedMemory::unlink(&name).unwrap();

    let shared = SharedMemory::create(Name::new(&name).mode(0o664), 1).unwrap();
    assert_eq!(fs::metadata(path(&name)).unwrap().permissions().mode() & 0o777, 0o664);
    SharedMemory::unlink(shared.name().unwrap()).unwrap();
}

#[test]
fn contents_are_there_when_the_name_is() {
    let name = name("contents");
    SharedMemory::create_from(&name, b"whole").unwrap();
    assert_eq!(fs::read(path(&name)).unwrap(), b"whole");
    SharedMemory::unlink(&name).unwrap();
}

#[test]
fn a_name_is_taken_once_and_unlinked_once() {
    let name = name("once");
    let memory = SharedMemory::create(&name, 10).unwrap();
    memory.write(0, b"mine").unwrap();
    let taken = SharedMemory::create(&name, 20).unwrap_err();
    assert!(matches!(taken, RegionError::Exists { .. }), "{taken:?}");
    assert_eq!(&read(&SharedMemory::open(&name).unwrap(), 0), b"mine");
    SharedMemory::unlink(&name).unwrap();
    let gone = SharedMemory::unlink(&name).unwrap_err();
    assert!(matches!(gone, RegionError::NotFound { .. }), "{gone:?}");
    assert_eq!(&read(&memory, 0), b"mine");
}

#[test]
fn what_cannot_be_a_name_is_an_error() {
    for name in ["", ".", "..", "a/b", "/a", "a\0b", &"x".repeat(201)] {
        let errors = [
            SharedMemory::create(name, 1).unwrap_err(),
            SharedMemory::open(name).unwrap_err(),
            SharedMemory::open_read_only(name).unwrap_err(),
            SharedMemory::unlink(name).unwrap_err(),
        ];
        for error in errors {
            assert!(matches!(error, RegionError::Name { .. }), "{error:?}");
        }
    }
}

#[test]
fn what_is_no_file_with_bytes_is_not_opened() {
    let [empty, link, folder, socket] = ["empty", "link", "folder", "socket"].map(name);
    fs::write(path(&empty), "").unwrap();
    symlink("/proc/self/exe", path(&link)).unwrap();
    fs::create_dir(path(&folder)).unwrap();
    let listener = UnixListener::bind(path(&socket)).unwrap();
    let open = |name: &String| [SharedMemory::open(name), SharedMemory::open_read_only(name)];
    let errors = [&link, &folder, &socket].map(open);
    for error in errors.into_iter().flatten() {
        assert!(matches!(error, Err(RegionError::NotMemory)), "{error:?}");
    }
    for error in open(&empty) {
        assert!(matches!(error, Err(RegionError::Empty { .. })), "{error:?}");
    }
    drop(listener);
    for name in [&empty, &link, &socket] {
        fs::remove_file(path(name)).unwrap();
    }
    fs::remove_dir(path(&folder)).unwrap();
}

#[test]
fn a_file_of_another_user_is_opened_only_if_the_name_says_so() {
    let name = name("owner");
    let memory = SharedMemory::create(&name, 1).unwrap();
    let user = fs::metadata(path(&name)).unwrap().uid();
    let refused = SharedMemory::open(Name::new(&name).owner(user + 1)).unwrap_err();
    assert!(matches!(refused, RegionError::Owner { .. }), "{refused:?}");
    SharedMemory::open(Name::new(&name).owner(user)).unwrap();
    SharedMemory::unlink(memory.name().unwrap()).unwrap();
}
