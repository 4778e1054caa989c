//! Named regions: whole or not there, and one for all who ask at once.

use std::fs;
use std::process::Command;
use std::sync::Barrier;
use std::thread;

use mp_handle::{Kind, Name, Region, RegionError};

const KIND: Kind = Kind::new(1000, "table");

fn own(name: &str) -> Name {
    Name::new(text(name))
}

fn text(name: &str) -> String {
    format!("handle-{name}-{}", std::process::id())
}

#[test]
fn smoke() {
    let name = own("smoke");
    let fill = |region: &Region| region.write(0, b"full").unwrap();
    let created = Region::create_named(&name, KIND, 7, 100, fill).unwrap();
    let opened = Region::open_named(&name, KIND, 7).unwrap();
    assert_eq!((opened.len(), created.len()), (100, 100));
    let mut bytes = [0; 4];
    opened.read(0, &mut bytes).unwrap();
    assert_eq!(&bytes, b"full");
    let other = Region::open_named(&name, KIND, 8);
    assert!(matches!(other, Err(RegionError::Fingerprint { .. })));
    Region::unlink(text("smoke")).unwrap();
    assert!(matches!(Region::open_named(&name, KIND, 7), Err(RegionError::NotFound { .. })));
}

#[test]
fn nobody_sees_it_before_it_is_filled() {
    let name = own("filling");
    let fill = |region: &Region| {
        assert!(matches!(Region::open_named(&name, KIND, 0), Err(RegionError::NotFound { .. })));
        assert!(Region::named().unwrap().iter().all(|region| region.name != text("filling")));
        region.write(0, &[1]).unwrap();
    };
    drop(Region::create_named(&name, KIND, 0, 8, fill).unwrap());
    Region::unlink(text("filling")).unwrap();
}

/// What this test leaves behind that is no name: nothing either.
#[test]
fn a_maker_killed_before_it_is_whole_leaves_nothing() {
    if std::env::var_os("MP_KILLED_MAKER").is_some() {
        let die = |_: &Region| {
            let own = rustix::process::getpid();
            rustix::process::kill_process(own, rustix::process::Signal::KILL).unwrap();
        };
        drop(Region::create_named(&own("killed"), KIND, 0, 1 << 16, die));
    }
    let mut maker = Command::new(std::env::current_exe().unwrap())
        .args(["a_maker_killed_before_it_is_whole_leaves_nothing", "--exact"])
        .env("MP_KILLED_MAKER", "1")
        .spawn()
        .unwrap();
    let name = format!("mp.handle-killed-{}", maker.id());
    assert_eq!(maker.wait().unwrap().code(), None, "it was not killed");
    assert!(!fs::exists(format!("/dev/shm/{name}")).unwrap());
}

#[test]
fn of_all_who_open_or_create_one_creates() {
    let (name, start) = (own("race"), Barrier::new(8));
    for _ in 0..100 {
        let attempt = || {
            start.wait();
            let fill = |region: &Region| region.write(0, &[42]).unwrap();
            let (region, is_new) = Region::open_or_create_named(&name, KIND, 0, 64, fill).unwrap();
            let mut byte = [0];
            region.read(0, &mut byte).unwrap();
            assert_eq!(byte, [42]);
            is_new
        };
        let created = thread::scope(|scope| {
            let attempts: Vec<_> = (0..8).map(|_| scope.spawn(attempt)).collect();
            attempts.into_iter().map(|one| one.join().unwrap()).collect::<Vec<_>>()
        });
        assert_eq!(created.iter().filter(|&&is_new| is_new).count(), 1);
        Region::unlink(text("race")).unwrap();
    }
}

#[test]
fn its_size_must_be_to_be_had() {
    let name = own("large");
    let error = Region::create_named(&name, KIND, 0, usize::MAX, |_| ()).unwrap_err();
    assert!(matches!(error, RegionError::TooLarge { .. }));
    let error = Region::create_named(&name, KIND, 0, 1 << 50, |_| ()).unwrap_err();
    let is_lack = matches!(error, RegionError::NoMemory { .. } | RegionError::Io(_));
    assert!(is_lack, "{error:?}");
    assert!(matches!(Region::open_named(&name, KIND, 0), Err(RegionError::NotFound { .. })));
}
