//! Indices into the flat arrays of a plan. They are assigned at compile, in the order of the names in the file, so that
//! the order of lines cannot change a result.

macro_rules! index {
    ($(#[$doc:meta])* $name:ident, $repr:ty) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
        pub struct $name(pub $repr);

        impl $name {
            /// The position in the plan's array.
            #[inline]
            pub fn index(self) -> usize {
                self.0 as usize
            }
        }
    };
}

index!(
    /// A node of the plan.
    NodeId,
    u32
);
index!(
    /// A link of the plan.
    LinkId,
    u32
);
index!(
    /// A request class (operation), such as `read` or `write`.
    ClassId,
    u8
);
