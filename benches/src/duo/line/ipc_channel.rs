//! The peer ipc-channel: its channels of bytes, and those of typed messages.

use std::hint::black_box;

use anyhow::Result;
use ipc_channel::ipc::{
    IpcBytesReceiver, IpcBytesSender, IpcOneShotServer, IpcReceiver, IpcSender, bytes_channel,
    channel,
};

use super::Line;

/// Channels of bytes.
pub(crate) struct IpcBytes {
    sender: IpcBytesSender,
    receiver: IpcBytesReceiver,
}

impl Line for IpcBytes {
    type Invitation = String;
    type Host = IpcOneShotServer<(IpcBytesSender, IpcBytesReceiver)>;

    fn host(_: usize) -> Result<(Self::Host, String)> {
        Ok(IpcOneShotServer::new()?)
    }

    fn open(server: Self::Host) -> Result<Self> {
        let (_, (sender, receiver)) = server.accept()?;
        Ok(Self { sender, receiver })
    }

    fn join(server: String, _: usize) -> Result<Self> {
        let ((sender, theirs), (their_sender, receiver)) = (bytes_channel()?, bytes_channel()?);
        IpcSender::connect(server)?.send((their_sender, theirs))?;
        Ok(Self { sender, receiver })
    }

    fn send(&mut self, message: &[u8]) -> Result<()> {
        Ok(self.sender.send(message)?)
    }

    fn receive(&mut self) -> Result<()> {
        black_box(self.receiver.recv()?);
        Ok(())
    }
}

type Message = Vec<u8>;

/// Channels of typed messages.
pub(crate) struct IpcTyped {
    sender: IpcSender<Message>,
    receiver: IpcReceiver<Message>,
}

impl Line for IpcTyped {
    type Invitation = String;
    type Host = IpcOneShotServer<(IpcSender<Message>, IpcReceiver<Message>)>;

    fn host(_: usize) -> Result<(Self::Host, String)> {
        Ok(IpcOneShotServer::new()?)
    }

    fn open(server: Self::Host) -> Result<Self> {
        let (_, (sender, receiver)) = server.accept()?;
        Ok(Self { sender, receiver })
    }

    fn join(server: String, _: usize) -> Result<Self> {
        let ((sender, theirs), (their_sender, receiver)) = (channel()?, channel()?);
        IpcSender::connect(server)?.send((their_sender, theirs))?;
        Ok(Self { sender, receiver })
    }

    fn send(&mut self, message: &[u8]) -> Result<()> {
        Ok(self.sender.send(message.to_vec())?)
    }

    fn receive(&mut self) -> Result<()> {
        black_box(self.receiver.recv()?);
        Ok(())
    }
}
