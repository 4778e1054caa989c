//! Endpoints of `ipc-channel` as arguments and results.
#![cfg(feature = "ipc-channel")]

mod common {
    pub(crate) mod watchdog;
}

use common::watchdog::watchdog;
use ipc_channel::ipc::{self, IpcReceiver, IpcSender, IpcSharedMemory};
use mp_handle::{CodecError, Parcel};
use mp_process::{Ipc, spawn};

#[mp_process::test]
fn both_ends_of_a_channel_travel() {
    let _watchdog = watchdog();
    let (to, from_child) = ipc::channel::<String>().unwrap();
    let (to_child, from) = ipc::channel::<u32>().unwrap();
    let repeat = |from: Ipc<IpcReceiver<u32>>, to: Ipc<IpcSender<String>>| {
        let (from, to) = (from.into_inner(), to.into_inner());
        while let Ok(n) = from.recv() {
            to.send(n.to_string()).unwrap();
        }
    };
    let process = spawn(repeat, (Ipc::new(from), Ipc::new(to))).unwrap();
    for n in 0..100 {
        to_child.send(n).unwrap();
        assert_eq!(from_child.recv().unwrap(), n.to_string());
    }
    drop(to_child);
    process.join().unwrap();
    assert!(from_child.recv().is_err(), "nobody else has the sender");
}

#[mp_process::test]
fn an_endpoint_is_a_result() {
    let _watchdog = watchdog();
    let make = || {
        let (sender, receiver) = ipc::channel().unwrap();
        (0..3).for_each(|n: u8| sender.send(n).unwrap());
        Ipc::new(receiver)
    };
    let receiver = spawn(make, ()).unwrap().join().unwrap().into_inner();
    assert_eq!([(); 3].map(|()| receiver.recv().unwrap()), [0, 1, 2]);
    assert!(receiver.recv().is_err(), "the sender has ended");
}

#[mp_process::test]
fn shared_memory_travels() {
    let _watchdog = watchdog();
    let memory = IpcSharedMemory::from_bytes(&[7; 100_000]);
    let sum = |memory: Ipc<IpcSharedMemory>| -> u64 {
        memory.into_inner().iter().map(|&byte| u64::from(byte)).sum()
    };
    assert_eq!(spawn(sum, (Ipc::new(memory.clone()),)).unwrap().join().unwrap(), 700_000);
    let empty = IpcSharedMemory::from_bytes(&[]);
    assert_eq!(spawn(sum, (Ipc::new(empty),)).unwrap().join().unwrap(), 0);
}

/// A message whose header announces more than there is would be waited for.
#[mp_process::test]
fn what_is_no_message_of_that_crate_is_refused() {
    let _watchdog = watchdog();
    let packets: [&[u8]; 4] = [&[], &[1; 8], &[0; 16], &[255; 40]];
    for bytes in packets {
        let parcel = Parcel::encode(&Forged { bytes: bytes.to_vec(), descriptors: vec![] });
        let arrived: Result<Ipc<IpcSender<u8>>, CodecError> = parcel.unwrap().decode();
        assert!(arrived.unwrap_err().to_string().contains("no message of ipc-channel"));
    }
    let mut plausible = 24_usize.to_ne_bytes().to_vec();
    plausible.extend(8_usize.to_ne_bytes());
    plausible.extend([9; 8]);
    let parcel = Parcel::encode(&Forged { bytes: plausible, descriptors: vec![] });
    let arrived: Result<Ipc<IpcSender<u8>>, CodecError> = parcel.unwrap().decode();
    assert!(arrived.is_err());
}

#[derive(serde::Serialize)]
struct Forged {
    bytes: Vec<u8>,
    descriptors: Vec<u8>,
}
