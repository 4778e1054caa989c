//! The limit: a process that serves a map through rings, and does nothing else.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use anyhow::Result;
use mp_handle::Region;
use serde::{Deserialize, Serialize};

use super::clients::Client;
use crate::rows::pool::rings::{Caller, Helper, serve};

type Map = HashMap<String, u64>;

#[derive(Serialize, Deserialize)]
enum Request<'a> {
    Get(&'a str),
    Set(&'a str, u64),
    #[serde(borrow)]
    Update(Vec<(&'a str, u64)>),
}

/// The rings of one client.
pub(super) struct Rings {
    caller: Caller,
    request: Vec<u8>,
    reply: Vec<u8>,
    /// The server, which is killed when its last client is dropped.
    _server: Arc<Helper>,
}

impl Rings {
    pub(super) fn start(how_many: usize) -> Result<Vec<Self>> {
        let pairs = (0..how_many).map(|_| Caller::new()).collect::<Result<Vec<_>>>()?;
        let (callers, regions): (Vec<_>, Vec<_>) = pairs.into_iter().unzip();
        let server = Arc::new(Helper::start(serve_all, (regions,))?);
        let client = |caller| Self {
            caller,
            request: Vec::new(),
            reply: Vec::new(),
            _server: Arc::clone(&server),
        };
        Ok(callers.into_iter().map(client).collect())
    }

    fn call<R: for<'de> Deserialize<'de>>(&mut self, request: &Request<'_>) -> Result<R> {
        self.request.clear();
        self.request = postcard::to_extend(request, std::mem::take(&mut self.request))?;
        self.caller.call(&self.request, &mut self.reply)?;
        Ok(postcard::from_bytes(&self.reply)?)
    }
}

impl Client for Rings {
    fn get(&mut self, key: &str) -> Result<u64> {
        self.call(&Request::Get(key))
    }

    fn set(&mut self, key: &str, value: u64) -> Result<()> {
        self.call::<u64>(&Request::Set(key, value)).map(drop)
    }

    fn update(&mut self, items: &[(String, u64)]) -> Result<()> {
        let items = items.iter().map(|(key, value)| (key.as_str(), *value)).collect();
        self.call::<u64>(&Request::Update(items)).map(drop)
    }
}

/// A thread for each client.
fn serve_all(rings: Vec<Region>) {
    let map = Mutex::new(Map::new());
    thread::scope(|scope| {
        for region in &rings {
            let map = &map;
            scope.spawn(move || serve(region, |request, reply| answer(map, request, reply)));
        }
    });
}

fn answer(map: &Mutex<Map>, request: &[u8], reply: &mut Vec<u8>) {
    let request = postcard::from_bytes(request).expect("a request of a client of ours");
    let mut map = map.lock().unwrap_or_else(PoisonError::into_inner);
    let mut set = |key: &str, value| match map.get_mut(key) {
        Some(old) => *old = value,
        None => drop(map.insert(key.to_owned(), value)),
    };
    let value = match request {
        Request::Get(key) => map.get(key).copied().unwrap_or_default(),
        Request::Set(key, value) => {
            set(key, value);
            0
        }
        Request::Update(items) => {
            items.into_iter().for_each(|(key, value)| set(key, value));
            0
        }
    };
    *reply = postcard::to_extend(&value, std::mem::take(reply)).expect("a number");
}
