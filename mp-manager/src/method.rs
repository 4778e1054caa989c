//! Functions that change something on the server.

/// A function that takes what it changes first, and then the arguments, which are the tuple
/// `Args`.
///
/// It is implemented for every `Fn(&mut T, …)` of up to six further arguments that is `Copy`,
/// `Send`, `Sync` and `'static`. Only function items, methods, and closures that capture nothing can be used
/// where it is asked for; anything else is refused when the program is built.
pub trait Method<T, Args>: Copy + Send + Sync + 'static {
    /// What the function returns.
    type Output;

    /// Calls the function.
    fn call(&self, subject: &mut T, args: Args) -> Self::Output;
}

macro_rules! methods {
    ($(($($arg:ident)*))*) => {$(
        impl<F, T, R, $($arg),*> Method<T, ($($arg,)*)> for F
        where
            F: Fn(&mut T, $($arg),*) -> R + Copy + Send + Sync + 'static,
        {
            type Output = R;

            #[allow(non_snake_case, reason = "the arguments are named as their types")]
            fn call(&self, subject: &mut T, ($($arg,)*): ($($arg,)*)) -> R {
                self(subject, $($arg),*)
            }
        }
    )*};
}

methods! {
    ()
    (A)
    (A B)
    (A B C)
    (A B C D)
    (A B C D E)
    (A B C D E G)
}
