//! Functions that travel.
//!
//! A function is known to another process of the same image by the offset of its code. That
//! works for functions which carry no data: function items, and closures that capture nothing.
//! They have no size, so that the receiver can call one without having been sent a value.
//!
//! An offset is a jump into the program: nobody may make one up. Each [`Func`] on its way bears a
//! mark made with a secret which only the processes of one family know, and a second one for
//! [friends](crate::befriend) on other machines, if there are any.
#![allow(unsafe_code)]

use std::any::TypeId;
use std::fmt;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::mem;
use std::sync::OnceLock;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::error::ForeignFunction;
use crate::friends;
use crate::image::{self, ImageId};

/// A function whose arguments are the tuple `Args`.
///
/// It is implemented for every `Fn` of up to twelve arguments that is `Copy + Send + Sync +
/// 'static`. Only function items and closures that capture nothing can be used where it is asked
/// for; anything else is refused when the program is built.
pub trait Function<Args>: Copy + Send + Sync + 'static {
    /// What the function returns.
    type Output;

    /// Calls the function with a tuple of arguments.
    fn call(&self, args: Args) -> Self::Output;
}

macro_rules! functions {
    ($(($($arg:ident)*))*) => {$(
        impl<F, R, $($arg),*> Function<($($arg,)*)> for F
        where
            F: Fn($($arg),*) -> R + Copy + Send + Sync + 'static,
        {
            type Output = R;

            #[allow(non_snake_case, reason = "the arguments are named as their types")]
            fn call(&self, ($($arg,)*): ($($arg,)*)) -> R {
                self($($arg),*)
            }
        }
    )*};
}

functions! {
    ()
    (A)
    (A B)
    (A B C)
    (A B C D)
    (A B C D E)
    (A B C D E G)
    (A B C D E G H)
    (A B C D E G H I)
    (A B C D E G H I J)
    (A B C D E G H I J K)
    (A B C D E G H I J K L)
    (A B C D E G H I J K L M)
}

/// A function of this program that can be sent to, and called in, another process of it: for
/// tables of functions, and for tasks that are chosen at run time.
///
/// # Examples
///
/// ```
/// use mp_process::Func;
///
/// fn double(n: u32) -> u32 {
///     n * 2
/// }
///
/// fn apply(f: Func<(u32,), u32>, n: u32) -> u32 {
///     f.call((n,))
/// }
///
/// mp_process::init();
/// let table = [Func::new(double)?, Func::new(|n: u32| n + 1)?];
/// let mut results = Vec::new();
/// for f in table {
///     results.push(mp_process::spawn(apply, (f, 10))?.join()?);
/// }
/// assert_eq!(results, [20, 11]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Func<Args, R> {
    shim: fn(Args) -> R,
}

impl<Args, R> Func<Args, R> {
    /// Makes a function travel.
    ///
    /// # Errors
    ///
    /// The function is compiled into a shared library, which other processes may have loaded
    /// elsewhere or not at all; the error names the library.
    pub fn new<F>(f: F) -> Result<Self, ForeignFunction>
    where
        F: Function<Args, Output = R>,
    {
        Self::bind(f, |f: F, args| f.call(args))
    }

    /// Makes a travelling function of `body`, which is called with `f` and the arguments: for
    /// libraries that wrap the functions of their users.
    ///
    /// # Errors
    ///
    /// As [`new`](Self::new).
    ///
    /// # Examples
    ///
    /// ```
    /// use mp_process::Func;
    ///
    /// fn twice<F: Fn(u8) -> u8>(f: F, n: u8) -> u8 {
    ///     f(f(n))
    /// }
    /// let add_two = Func::bind(|n: u8| n + 1, twice)?;
    /// assert_eq!(add_two.call(5), 7);
    /// # Ok::<(), mp_process::ForeignFunction>(())
    /// ```
    pub fn bind<F, B>(_f: F, _body: B) -> Result<Self, ForeignFunction>
    where
        F: Copy + Send + Sync + 'static,
        B: Fn(F, Args) -> R + Copy + Send + Sync + 'static,
    {
        const {
            assert!(
                size_of::<F>() == 0 && size_of::<B>() == 0,
                "this function captures variables (or is a function pointer), and cannot travel \
                 to another process: pass what it captures as arguments, or use `Func`"
            );
        }
        let shim = shim::<F, B, Args, R>;
        image::offset_of(shim as *const () as usize)?;
        Ok(Self { shim })
    }

    /// Calls the function here.
    pub fn call(&self, args: Args) -> R {
        (self.shim)(args)
    }

    /// The offset of the function's code in the image.
    pub(crate) fn offset(&self) -> u64 {
        image::offset_of(self.shim as usize).expect("looked up when this was made")
    }

    /// Makes the function of an offset again.
    ///
    /// # Safety
    ///
    /// `offset` is that of a `Func` with this very signature, in a process of the same image.
    pub(crate) unsafe fn from_offset(offset: u64) -> Option<Self> {
        let address = image::address_at(offset)?;
        // SAFETY: by the caller's promise this is the address of a `shim` with this signature.
        let shim = unsafe { mem::transmute::<*const (), fn(Args) -> R>(address as *const ()) };
        Some(Self { shim })
    }
}

/// The code that stands for a function and its body in another process.
fn shim<F, B: Fn(F, Args) -> R, Args, R>(args: Args) -> R {
    // SAFETY: `bind` saw a value of each, and that they have no size; they are Copy, so that
    // there may be any number of them, in any process.
    let (f, body) = unsafe { (mem::zeroed::<F>(), mem::zeroed::<B>()) };
    body(f, args)
}

/// What a [`Func`] is on its way.
#[derive(Serialize, Deserialize)]
struct Travelling {
    image: ImageId,
    offset: u64,
    mark: u64,
    /// The mark for friends.
    friends: Option<u64>,
}

/// The mark that shows that a process which knows the secret made a `Func` of this signature.
fn mark<Args: 'static, R: 'static>(secret: impl Hash, offset: u64) -> u64 {
    let mut hasher = DefaultHasher::new();
    secret.hash(&mut hasher);
    offset.hash(&mut hasher);
    TypeId::of::<fn(Args) -> R>().hash(&mut hasher);
    hasher.finish()
}

fn family_mark<Args: 'static, R: 'static>(offset: u64) -> u64 {
    mark::<Args, R>(family_secret(), offset)
}

/// `None` as long as this process has no friends. Of another build nobody is one.
fn friends_mark<Args: 'static, R: 'static>(offset: u64) -> Option<u64> {
    let secret = friends::secret_of_build()?;
    Some(mark::<Args, R>(secret, offset))
}

static SECRET: OnceLock<u128> = OnceLock::new();

/// The secret of this family of processes: drawn by the first, and given to each child.
pub(crate) fn family_secret() -> u128 {
    *SECRET.get_or_init(|| {
        use std::hash::{BuildHasher, RandomState};
        let draw = || u128::from(RandomState::new().hash_one(std::process::id()));
        (draw() << 64) | draw()
    })
}

/// Takes over the secret of the parent.
pub(crate) fn inherit_secret(secret: u128) {
    SECRET.get_or_init(|| secret);
}

impl<Args: 'static, R: 'static> Serialize for Func<Args, R> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let offset = self.offset();
        let (mark, friends) = (family_mark::<Args, R>(offset), friends_mark::<Args, R>(offset));
        Travelling { image: ImageId::current(), offset, mark, friends }.serialize(serializer)
    }
}

impl<'de, Args: 'static, R: 'static> Deserialize<'de> for Func<Args, R> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let Travelling { image, offset, mark, friends } = Travelling::deserialize(deserializer)?;
        let is_friendly = friends.is_some() && friends == friends_mark::<Args, R>(offset);
        if !is_friendly && image != ImageId::current() {
            return Err(D::Error::custom("a function of another build of this program"));
        }
        if !is_friendly && mark != family_mark::<Args, R>(offset) {
            return Err(D::Error::custom("a function of another type or family of processes"));
        }
        // SAFETY: the image is the same, since its identity is compared or part of the friends'
        // secret, and the mark shows that a process of this family, or a friend, had a `Func` of
        // this signature there.
        unsafe { Self::from_offset(offset) }
            .ok_or_else(|| D::Error::custom("a function outside of the program's code"))
    }
}

impl<Args, R> Clone for Func<Args, R> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<Args, R> Copy for Func<Args, R> {}

/// Two are equal if they are the same code.
impl<Args, R> PartialEq for Func<Args, R> {
    fn eq(&self, other: &Self) -> bool {
        self.shim as usize == other.shim as usize
    }
}

impl<Args, R> Eq for Func<Args, R> {}

impl<Args, R> Hash for Func<Args, R> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        (self.shim as usize).hash(state);
    }
}

impl<Args, R> fmt::Debug for Func<Args, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Func({})", std::any::type_name::<fn(Args) -> R>())
    }
}
