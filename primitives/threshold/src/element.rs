//! Points and scalars as they travel: fixed length, opaque until decoded.
//!
//! SEC1 and big-endian bytes instead of frost's postcard: the same content without headers and
//! length prefixes, so sizes are constants, every value has one encoding, and a runtime can store
//! a message without parsing a point.

use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use k256::{
    elliptic_curve::{
        sec1::{FromEncodedPoint, ToEncodedPoint},
        PrimeField,
    },
    AffinePoint, EncodedPoint, ProjectivePoint,
};
use scale_info::TypeInfo;

macro_rules! bytes {
    ($(#[$doc:meta])* $name:ident, $length:literal) => {
        $(#[$doc])*
        #[derive(
            Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode,
            DecodeWithMemTracking, MaxEncodedLen, TypeInfo,
        )]
        pub struct $name(pub [u8; $length]);
    };
}

bytes!(
    /// A compressed point (SEC1, 33 bytes); never the point at infinity.
    Point,
    33
);
bytes!(
    /// A public key of BIP-340: the x coordinate of a point whose y is even.
    XOnly,
    32
);
bytes!(
    /// A scalar, big-endian, below the order of the group.
    Scalar,
    32
);
bytes!(
    /// A signature of BIP-340.
    Signature,
    64
);

impl Point {
    /// The compressed form of `point`; `None` for the point at infinity.
    pub fn encode_point(point: &ProjectivePoint) -> Option<Self> {
        point.to_affine().to_encoded_point(true).as_bytes().try_into().ok().map(Self)
    }

    /// The point; `None` when the bytes are not one of the curve.
    pub fn decode_point(&self) -> Option<ProjectivePoint> {
        let encoded = EncodedPoint::from_bytes(self.0).ok()?;
        let point: Option<AffinePoint> = AffinePoint::from_encoded_point(&encoded).into();
        // One byte encodes infinity and 33 do not, so `point` is not infinity.
        point.map(ProjectivePoint::from)
    }

    /// The x coordinate.
    pub fn x_only(&self) -> XOnly {
        let [_, x @ ..] = self.0;
        XOnly(x)
    }
}

impl XOnly {
    /// The point with this x coordinate and an even y (BIP-340's `lift_x`); `None` when the curve
    /// has none.
    pub fn lift(&self) -> Option<ProjectivePoint> {
        let mut compressed = [2; 33];
        let [_, x @ ..] = &mut compressed;
        x.copy_from_slice(&self.0);
        Point(compressed).decode_point()
    }
}

impl Scalar {
    /// The bytes of `scalar`.
    pub fn encode_scalar(scalar: &k256::Scalar) -> Self {
        Self(scalar.to_bytes().into())
    }

    /// The scalar; `None` when it is not below the order.
    pub fn decode_scalar(&self) -> Option<k256::Scalar> {
        k256::Scalar::from_repr(self.0.into()).into()
    }
}
