//! The worker's cage, entered before libav sees a byte: resource limits, no new privileges, Landlock (no file but the
//! output folder), seccomp (no sockets, no new programs, no reaching into other processes). The film itself comes in as
//! a descriptor that is open already.
//!
//! **Invariant**: seccomp holds or nothing runs. Landlock depends on the kernel; where it is missing the job says so in
//! a warning, and the self-test says which escapes work.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io;
use std::net::{Ipv4Addr, TcpListener, UdpSocket};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::process::Command;

use landlock::{
    ABI, Access, AccessFs, AccessNet, PathBeneath, PathFd, Ruleset, RulesetAttr, RulesetCreatedAttr, RulesetStatus,
    Scope,
};
use seccompiler::{
    BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter, SeccompRule,
};
use serde::{Deserialize, Serialize};

use crate::base::error::{Error, Result};
use crate::base::limits;
use crate::packager::refusal::Refusal;

/// What of the cage stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SandboxReport {
    pub landlock: LandlockState,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LandlockState {
    Full,
    Partial,
    Missing,
}

impl SandboxReport {
    pub fn warning(&self) -> Option<&'static str> {
        match self.landlock {
            LandlockState::Full => None,
            LandlockState::Partial => {
                Some("This kernel's Landlock is older than we ask for: the worker is held by less.")
            }
            LandlockState::Missing => {
                Some("This kernel has no Landlock: the worker could read and write files of the server's user.")
            }
        }
    }
}

/// Newer than the libc crate's list for every architecture.
const SYS_FCHMODAT2: libc::c_long = 452;
/// Set-user-id and set-group-id.
const SET_ID_BITS: [u64; 2] = [0o4000, 0o2000];

/// System calls that a decoder has no use for and an intruder has.
const DENIED: &[libc::c_long] = &[
    libc::SYS_socket,
    libc::SYS_socketpair,
    libc::SYS_connect,
    libc::SYS_bind,
    libc::SYS_listen,
    libc::SYS_accept,
    libc::SYS_accept4,
    libc::SYS_sendto,
    libc::SYS_sendmsg,
    libc::SYS_sendmmsg,
    // It reaches the network without any of the above.
    libc::SYS_io_uring_setup,
    libc::SYS_io_uring_enter,
    libc::SYS_io_uring_register,
    libc::SYS_execve,
    libc::SYS_execveat,
    libc::SYS_ptrace,
    libc::SYS_process_vm_readv,
    libc::SYS_process_vm_writev,
    libc::SYS_pidfd_open,
    libc::SYS_pidfd_getfd,
    libc::SYS_pidfd_send_signal,
    libc::SYS_kill,
    libc::SYS_tkill,
    libc::SYS_rt_sigqueueinfo,
    libc::SYS_rt_tgsigqueueinfo,
    libc::SYS_bpf,
    libc::SYS_perf_event_open,
    libc::SYS_userfaultfd,
    libc::SYS_keyctl,
    libc::SYS_add_key,
    libc::SYS_request_key,
    libc::SYS_mount,
    libc::SYS_umount2,
    libc::SYS_move_mount,
    libc::SYS_open_tree,
    libc::SYS_fsopen,
    libc::SYS_fsmount,
    libc::SYS_pivot_root,
    libc::SYS_chroot,
    libc::SYS_unshare,
    libc::SYS_setns,
    libc::SYS_open_by_handle_at,
    libc::SYS_init_module,
    libc::SYS_finit_module,
    libc::SYS_kexec_load,
    libc::SYS_reboot,
    libc::SYS_swapon,
    libc::SYS_setuid,
    libc::SYS_setgid,
    libc::SYS_setresuid,
    libc::SYS_setresgid,
    libc::SYS_capset,
    libc::SYS_chmod,
    libc::SYS_fchmod,
    libc::SYS_fchmodat,
    SYS_FCHMODAT2,
    libc::SYS_chown,
    libc::SYS_lchown,
    libc::SYS_fchown,
    libc::SYS_fchownat,
    libc::SYS_setxattr,
    libc::SYS_lsetxattr,
    libc::SYS_fsetxattr,
    // Its modes lie in memory, where a filter cannot look.
    libc::SYS_openat2,
    libc::SYS_mknod,
    libc::SYS_mknodat,
    libc::SYS_symlink,
    libc::SYS_symlinkat,
    libc::SYS_link,
    libc::SYS_linkat,
];

/// Enters the cage for good. The only files from here on are those below `out_dir` and those open already.
pub fn enter(out_dir: &Path) -> Result<SandboxReport> {
    let cpu_s = limits::WORKER_CPU_BASE.as_secs() + limits::WORKER_CPU_PER_FILM_S * limits::FILM_DURATION_MAX.as_secs();
    limit(libc::RLIMIT_AS, limits::WORKER_MEMORY_BYTES_MAX)?;
    limit(libc::RLIMIT_CPU, cpu_s)?;
    limit(libc::RLIMIT_FSIZE, limits::TRACK_BYTES_MAX)?;
    limit(libc::RLIMIT_NOFILE, limits::WORKER_FILES_MAX)?;
    limit(libc::RLIMIT_CORE, 0)?;
    ignore_file_size_signal();
    die_with_parent()?;
    let landlock = restrict_files(out_dir).map_err(|error| broken("landlock", error))?;
    // `apply_filter_all_threads` sets no-new-privileges first.
    #[cfg(target_arch = "x86_64")]
    seccompiler::apply_filter_all_threads(&no_other_numbers()).map_err(|error| broken("seccomp", error))?;
    for program in programs().map_err(|error| broken("seccomp", error))? {
        seccompiler::apply_filter_all_threads(&program).map_err(|error| broken("seccomp", error))?;
    }
    Ok(SandboxReport { landlock })
}

/// Once the film's length is known: at most so many CPU seconds for it. From here on no limit can be changed any more,
/// not by root either.
pub fn limit_cpu_to(film_s: f64) -> Result<()> {
    let seconds = limits::WORKER_CPU_BASE.as_secs() + (limits::WORKER_CPU_PER_FILM_S as f64 * film_s.max(0.0)) as u64;
    limit(libc::RLIMIT_CPU, seconds)?;
    let program = limits_are_fixed().map_err(|error| broken("seccomp", error))?;
    seccompiler::apply_filter_all_threads(&program).map_err(|error| broken("seccomp", error))
}

/// Something that the cage forbids, tried.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attempt {
    /// What an intruder would do.
    pub what: String,
    pub worked: bool,
}

/// Tries what the cage forbids. `out_dir` is the folder of the cage.
pub fn attempts(out_dir: &Path) -> Vec<Attempt> {
    let outside = out_dir.parent().unwrap_or(Path::new("/tmp")).join("escaped");
    let inside = out_dir.join("probe");
    let parent = std::os::unix::process::parent_id();
    let has_probe = fs::write(&inside, b"x").is_ok();
    let mut tried = vec![
        ("open a TCP socket", TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).is_ok()),
        ("open a UDP socket", UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).is_ok()),
        ("open a Unix socket", std::os::unix::net::UnixStream::pair().is_ok()),
        ("reach the network by io_uring", makes_io_uring()),
        ("leave a process behind", forks()),
        ("run a program", Command::new("/bin/true").status().is_ok()),
        ("signal its parent", signals(parent)),
        ("take hold of its parent", holds(parent)),
        ("read its parent's environment", fs::read(format!("/proc/{parent}/environ")).is_ok()),
        ("read /etc/passwd", fs::read("/etc/passwd").is_ok()),
        ("list /", fs::read_dir("/").is_ok_and(|mut entries| entries.next().is_some())),
        ("write beside the output folder", fs::write(&outside, b"x").is_ok()),
        ("link a file out of the output folder", fs::hard_link(&inside, outside.with_extension("link")).is_ok()),
        ("move a file out of the output folder", fs::rename(&inside, outside.with_extension("moved")).is_ok()),
        ("leave a symbolic link to /", std::os::unix::fs::symlink("/", out_dir.join("root")).is_ok()),
        (
            "make a program of a file",
            fs::write(&inside, b"x").is_ok()
                && fs::set_permissions(&inside, std::os::unix::fs::PermissionsExt::from_mode(0o4755)).is_ok(),
        ),
        ("make a program by its descriptor", File::open(&inside).is_ok_and(|file| makes_program(&file))),
        ("create a program", creates_program(&out_dir.join("program"))),
        ("signal a thread of its parent", signals_thread(parent)),
        ("queue a signal for its parent", queues_signal(parent)),
        ("make a call by its x32 number", calls_by_x32_number()),
        ("take more memory than it may", maps(limits::WORKER_MEMORY_BYTES_MAX)),
        ("write a larger file than it may", grows(&inside, limits::TRACK_BYTES_MAX + 1)),
        ("raise its limits", raises(libc::RLIMIT_CORE)),
    ];
    for left in [&inside, &outside, &outside.with_extension("link"), &outside.with_extension("moved")] {
        let _ = fs::remove_file(left);
    }
    let _ = fs::remove_file(out_dir.join("root"));
    if !has_probe {
        tried.push(("(not an escape: the output folder cannot be written)", true));
    }
    tried.into_iter().map(|(what, worked)| Attempt { what: what.to_owned(), worked }).collect()
}

fn restrict_files(out_dir: &Path) -> std::result::Result<LandlockState, Box<dyn std::error::Error + Send + Sync>> {
    let abi = ABI::V5;
    let status = Ruleset::default()
        .handle_access(AccessFs::from_all(abi))?
        .handle_access(AccessNet::from_all(abi))?
        .scope(Scope::from_all(ABI::V6))?
        .create()?
        .add_rule(PathBeneath::new(PathFd::new(out_dir)?, AccessFs::from_all(abi)))?
        .restrict_self()?;
    Ok(match status.ruleset {
        RulesetStatus::FullyEnforced => LandlockState::Full,
        RulesetStatus::PartiallyEnforced => LandlockState::Partial,
        RulesetStatus::NotEnforced => LandlockState::Missing,
    })
}

type Rules = BTreeMap<i64, Vec<SeccompRule>>;

/// Threads may be made and processes may not: a process that outlives the worker could write into a folder that has been
/// read back. What `clone3` is asked for lies in memory, where a filter cannot look, so it does not exist here, and libc
/// makes its threads with `clone`.
fn programs() -> std::result::Result<[BpfProgram; 2], Box<dyn std::error::Error + Send + Sync>> {
    let mut denied: Rules = DENIED.iter().map(|&call| (call, Vec::new())).collect();
    #[cfg(target_arch = "x86_64")]
    denied.extend([(libc::SYS_fork, Vec::new()), (libc::SYS_vfork, Vec::new())]);
    let thread = libc::CLONE_THREAD as u64;
    let no_thread = SeccompCondition::new(0, SeccompCmpArgLen::Qword, SeccompCmpOp::MaskedEq(thread), 0)?;
    denied.insert(libc::SYS_clone, vec![SeccompRule::new(vec![no_thread])?]);
    // A thread may be signalled, in this process.
    let other = SeccompCondition::new(0, SeccompCmpArgLen::Dword, SeccompCmpOp::Ne, std::process::id().into())?;
    denied.insert(libc::SYS_tgkill, vec![SeccompRule::new(vec![other])?]);
    for (call, flags, mode) in
        [(libc::SYS_open, Some(1), 2), (libc::SYS_openat, Some(2), 3), (libc::SYS_creat, None, 1)]
    {
        let masked = |argument, mask| {
            SeccompCondition::new(argument, SeccompCmpArgLen::Dword, SeccompCmpOp::MaskedEq(mask), mask)
        };
        let mut rules = Vec::new();
        for bit in SET_ID_BITS {
            let creates = flags.map(|argument| masked(argument, libc::O_CREAT as u64)).transpose()?;
            rules.push(SeccompRule::new(creates.into_iter().chain([masked(mode, bit)?]).collect())?);
        }
        denied.insert(call, rules);
    }
    let missing: Rules = BTreeMap::from([(libc::SYS_clone3, Vec::new())]);
    let program = |rules, errno: i32| -> std::result::Result<BpfProgram, Box<dyn std::error::Error + Send + Sync>> {
        let arch = std::env::consts::ARCH.try_into()?;
        Ok(SeccompFilter::new(rules, SeccompAction::Allow, SeccompAction::Errno(errno as u32), arch)?.try_into()?)
    };
    Ok([program(denied, libc::EPERM)?, program(missing, libc::ENOSYS)?])
}

/// Where the kernel knows x32, every call has a second number, which the other filters do not name.
#[cfg(target_arch = "x86_64")]
fn no_other_numbers() -> BpfProgram {
    const LOAD_NUMBER: u16 = 0x20; // BPF_LD | BPF_W | BPF_ABS; the number lies at 0 in `seccomp_data`.
    const JUMP_IF_AT_LEAST: u16 = 0x35; // BPF_JMP | BPF_JGE | BPF_K
    const RETURN: u16 = 0x06; // BPF_RET | BPF_K
    const X32_BIT: u32 = 0x4000_0000;
    let statement = |code, k| seccompiler::sock_filter { code, jt: 0, jf: 0, k };
    vec![
        statement(LOAD_NUMBER, 0),
        seccompiler::sock_filter { code: JUMP_IF_AT_LEAST, jt: 1, jf: 0, k: X32_BIT },
        statement(RETURN, libc::SECCOMP_RET_ALLOW),
        statement(RETURN, libc::SECCOMP_RET_ERRNO | libc::ENOSYS as u32),
    ]
}

/// A limit can be read and not set. libc does both with `prlimit64`, whose third argument is the new limit.
fn limits_are_fixed() -> std::result::Result<BpfProgram, Box<dyn std::error::Error + Send + Sync>> {
    let new_limit = SeccompCondition::new(2, SeccompCmpArgLen::Qword, SeccompCmpOp::Ne, 0)?;
    let denied: Rules = BTreeMap::from([
        (libc::SYS_prlimit64, vec![SeccompRule::new(vec![new_limit])?]),
        (libc::SYS_setrlimit, Vec::new()),
    ]);
    let arch = std::env::consts::ARCH.try_into()?;
    let errno = SeccompAction::Errno(libc::EPERM as u32);
    Ok(SeccompFilter::new(denied, SeccompAction::Allow, errno, arch)?.try_into()?)
}

/// Whether another process could be made.
#[allow(unsafe_code)]
fn forks() -> bool {
    // SAFETY: the child, if there is one, does nothing but end.
    unsafe {
        match libc::fork() {
            0 => libc::_exit(0),
            child => child > 0,
        }
    }
}

#[allow(unsafe_code)]
fn makes_io_uring() -> bool {
    let mut parameters = [0u32; 30];
    // SAFETY: `io_uring_params` has 120 bytes; the descriptor, if there is one, is closed at once.
    unsafe {
        let ring = libc::syscall(libc::SYS_io_uring_setup, 1, parameters.as_mut_ptr());
        ring >= 0 && libc::close(ring as i32) == 0
    }
}

#[allow(unsafe_code)]
fn signals(process: u32) -> bool {
    // SAFETY: signal 0 only asks whether another could be sent.
    unsafe { libc::kill(process as libc::pid_t, 0) == 0 }
}

fn makes_program(file: &File) -> bool {
    file.set_permissions(std::os::unix::fs::PermissionsExt::from_mode(0o4755)).is_ok()
}

fn creates_program(path: &Path) -> bool {
    let is_created = fs::OpenOptions::new().write(true).create_new(true).mode(0o4755).open(path).is_ok();
    let _ = fs::remove_file(path);
    is_created
}

#[allow(unsafe_code)]
fn signals_thread(process: u32) -> bool {
    // SAFETY: signal 0 only asks whether another could be sent.
    unsafe { libc::syscall(libc::SYS_tgkill, process, process, 0) == 0 }
}

#[allow(unsafe_code)]
fn queues_signal(process: u32) -> bool {
    // `siginfo_t` has 128 bytes; the third number is its code, SI_QUEUE.
    let mut information = [0i32; 32];
    information[2] = -1;
    // SAFETY: signal 0 only asks whether another could be sent; the kernel reads the bytes and keeps nothing of them.
    unsafe { libc::syscall(libc::SYS_rt_sigqueueinfo, process, 0, information.as_ptr()) == 0 }
}

/// Whether a call has its second number: that of `getpid`.
#[allow(unsafe_code)]
fn calls_by_x32_number() -> bool {
    // SAFETY: the call takes nothing and changes nothing.
    unsafe { libc::syscall(libc::SYS_getpid | 0x4000_0000) >= 0 }
}

#[allow(unsafe_code)]
fn holds(process: u32) -> bool {
    // SAFETY: plain integer arguments; the descriptor, if there is one, is closed at once.
    unsafe {
        let held = libc::syscall(libc::SYS_pidfd_open, process as libc::pid_t, 0);
        held >= 0 && libc::close(held as i32) == 0
    }
}

/// Whether `bytes` of address space could be taken. None of it is touched.
#[allow(unsafe_code)]
fn maps(bytes: u64) -> bool {
    let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_NORESERVE;
    // SAFETY: a new mapping that nothing points into, given back at once.
    unsafe {
        let taken = libc::mmap(std::ptr::null_mut(), bytes as usize, libc::PROT_NONE, flags, -1, 0);
        taken != libc::MAP_FAILED && libc::munmap(taken, bytes as usize) == 0
    }
}

/// Whether the file could be made so long. It is sparse.
fn grows(file: &Path, bytes: u64) -> bool {
    fs::OpenOptions::new().write(true).open(file).is_ok_and(|file| file.set_len(bytes).is_ok())
}

/// Whether a limit of this process can be set at all; it is set to what it is.
#[allow(unsafe_code)]
fn raises(resource: libc::__rlimit_resource_t) -> bool {
    let mut limit = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    // SAFETY: both calls get a pointer to a live `rlimit` of ours and keep nothing of it.
    unsafe { libc::getrlimit(resource, &raw mut limit) == 0 && libc::setrlimit(resource, &raw const limit) == 0 }
}

#[allow(unsafe_code)]
fn limit(resource: libc::__rlimit_resource_t, value: u64) -> Result<()> {
    let mut limit = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    // SAFETY: both calls get a pointer to a live `rlimit` of ours and keep nothing of it.
    let done = unsafe {
        if libc::getrlimit(resource, &raw mut limit) == 0 {
            // A limit that is lower already stays.
            limit.rlim_cur = limit.rlim_cur.min(value);
            limit.rlim_max = limit.rlim_max.min(value);
            libc::setrlimit(resource, &raw const limit)
        } else {
            -1
        }
    };
    if done == 0 { Ok(()) } else { Err(broken("setrlimit", io::Error::last_os_error())) }
}

/// A file past its limit is an error of the write (EFBIG), not the end of the process.
#[allow(unsafe_code)]
fn ignore_file_size_signal() {
    // SAFETY: SIG_IGN installs no handler; the signal is used for nothing else in this process.
    unsafe {
        libc::signal(libc::SIGXFSZ, libc::SIG_IGN);
    }
}

/// The kernel sends the signal when the *thread* that started the worker ends: runtime threads live as long as their
/// runtime. The watch on stdin covers what this does not.
#[allow(unsafe_code)]
fn die_with_parent() -> Result<()> {
    // SAFETY: plain integer arguments; the call touches no memory of ours.
    let done = unsafe { libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL as libc::c_ulong) };
    if done == 0 { Ok(()) } else { Err(broken("prctl", io::Error::last_os_error())) }
}

fn broken(what: &str, error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Error {
    Refusal::SandboxBroken
        .error("The worker's sandbox cannot be set up here, and no film is opened without it.")
        .with_internal(what.to_owned())
        .with_source(error)
}
