//! The least that can be executed: one page, no loader, no library.

use std::fs::File;
use std::io::Write;
use std::os::fd::AsRawFd;
use std::process::Command;

use anyhow::{Result, bail, ensure};
use rustix::fs::{MemfdFlags, memfd_create};

/// `exit(0)`, and what the processor is called in the header of a program.
const PROGRAM: Option<(u16, &[u8])> = if cfg!(target_arch = "x86_64") {
    // xor edi, edi; mov eax, 60; syscall
    Some((62, &[0x31, 0xff, 0xb8, 60, 0, 0, 0, 0x0f, 0x05]))
} else if cfg!(target_arch = "aarch64") {
    // mov x0, #0; mov x8, #93; svc #0
    Some((183, &[0, 0, 0x80, 0xd2, 0xa8, 0x0b, 0x80, 0xd2, 1, 0, 0, 0xd4]))
} else {
    None
};

const HEADERS: u64 = 64 + 56;
const ADDRESS: u64 = 0x40_0000;

/// Returns what starts the tiny program and joins it.
pub(super) fn program() -> Result<impl FnMut() -> Result<()>> {
    let Some((machine, code)) = PROGRAM else { bail!("nobody wrote it for this processor") };
    let mut file = File::from(memfd_create("tiny", MemfdFlags::CLOEXEC)?);
    file.write_all(&elf(machine, code))?;
    // What is open for writing cannot be executed.
    let file = File::open(format!("/proc/self/fd/{}", file.as_raw_fd()))?;
    Ok(move || {
        let status = Command::new(format!("/proc/self/fd/{}", file.as_raw_fd())).status()?;
        ensure!(status.success(), "it {status}");
        Ok(())
    })
}

/// An ELF file of one segment, which is the whole file.
fn elf(machine: u16, code: &[u8]) -> Vec<u8> {
    let len = HEADERS + code.len() as u64;
    let mut bytes = b"\x7fELF\x02\x01\x01".to_vec();
    bytes.resize(16, 0);
    let mut put = |field: &[u8]| bytes.extend_from_slice(field);
    // An executable, of this machine, version 1; its entry, program headers and no sections.
    put(&2_u16.to_le_bytes());
    put(&machine.to_le_bytes());
    put(&1_u32.to_le_bytes());
    [ADDRESS + HEADERS, 64, 0].iter().for_each(|field| put(&field.to_le_bytes()));
    put(&0_u32.to_le_bytes());
    [64_u16, 56, 1, 64, 0, 0].iter().for_each(|field| put(&field.to_le_bytes()));
    // To be loaded, readable and executable; offset, addresses, sizes and alignment.
    put(&1_u32.to_le_bytes());
    put(&5_u32.to_le_bytes());
    let segment = [0, ADDRESS, ADDRESS, len, len, 0x1_0000];
    segment.iter().for_each(|field| put(&field.to_le_bytes()));
    put(code);
    bytes
}
