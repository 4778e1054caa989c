//! What a client could say if this crate's own did not keep to the rules.

use std::thread;

use mp_queue::connection::AuthKey;

use super::*;
use crate::function;
use crate::manager::Manager;
use crate::objects::Kind;
use crate::wire::{Put, RequestHeader, SERVER, op};

fn request(id: u64, op: u8, write: impl FnOnce(&mut Vec<u8>)) -> Parcel {
    let mut request = Parcel::new();
    RequestHeader { id, object: SERVER, op }.write(request.bytes_mut());
    write(request.bytes_mut());
    request
}

/// It is the same program, of the same family, so the function would be found: who comes over a
/// network is refused all the same.
#[test]
fn no_function_is_taken_from_another_program() {
    let server = Manager::builder().key("key").server().unwrap();
    let address = server.address().unwrap().clone();
    let server = thread::spawn(move || server.serve_forever());
    let route = Route::new(address.clone(), Some(AuthKey::from("key"))).unwrap();
    let called = call_server(&route, Duration::from_secs(10)).unwrap();
    let (mut outgoing, mut incoming) = called.into_line().unwrap();

    let shim = function::constructor::<_, ()>(|| 7_u8).unwrap();
    let shim = Parcel::encode(&shim).unwrap();
    outgoing.send(0, &request(0, op::FUNCTION, |bytes| bytes.put_bytes(shim.bytes()))).unwrap();
    let no_arguments = Parcel::encode(&()).unwrap();
    let create = request(1, op::CREATE, |bytes| {
        bytes.put_u8(Kind::Custom as u8);
        bytes.put_u8(0);
        bytes.put_u32(0);
        bytes.put_value(no_arguments.bytes(), [].into_iter());
    });
    // The server may have hung up already.
    let _ = outgoing.send(1, &create);
    assert!(incoming.receive(&mut Vec::new()).is_err());

    Manager::connect(address, "key").unwrap().shutdown();
    server.join().unwrap().unwrap();
}
