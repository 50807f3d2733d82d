"""
Metres on the ground between points that are given in degrees.

Borders are straight between their points in degrees, as GeoJSON has them, and near a point the globe is taken for
flat, with WGS 84's length of a degree at that point's latitude. The error grows with the distance: below 0.2 % at
10 km and 2 % at 100 km up to 60 degrees of latitude.
"""

import numpy as np

EARTH_RADIUS_M = 6_371_008.8  # The mean one.


def metres_per_degree(latitude: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return how long a degree of longitude and one of latitude is there (WGS 84's series)."""
    angle = np.radians(latitude)
    of_longitude = 111_412.84 * np.cos(angle) - 93.5 * np.cos(3 * angle) + 0.118 * np.cos(5 * angle)
    of_latitude = 111_132.954 - 559.822 * np.cos(2 * angle) + 1.175 * np.cos(4 * angle)
    return of_longitude, of_latitude


def distance_to_segments_m(longitude: np.ndarray, latitude: np.ndarray, segments: np.ndarray) -> np.ndarray:
    """
    Return for each point the metres to the nearest of the segments, given as rows of x1, y1, x2, y2 in degrees.

    A segment beyond the 180th meridian is as near as it really is.
    """
    scale_x, scale_y = metres_per_degree(latitude)
    x1 = ((segments[:, 0] - longitude[:, None] + 180) % 360 - 180) * scale_x[:, None]
    y1 = (segments[:, 1] - latitude[:, None]) * scale_y[:, None]
    step_x = (segments[:, 2] - segments[:, 0]) * scale_x[:, None]
    step_y = (segments[:, 3] - segments[:, 1]) * scale_y[:, None]
    length_squared = step_x * step_x + step_y * step_y
    along = -(x1 * step_x + y1 * step_y) / np.where(length_squared > 0, length_squared, 1)
    along = np.clip(along, 0, 1)
    return np.sqrt(np.min((x1 + along * step_x) ** 2 + (y1 + along * step_y) ** 2, axis=1))


def unit_vectors(longitude: np.ndarray, latitude: np.ndarray) -> np.ndarray:
    """Return points of the globe as vectors: of two of them the nearer has the greater product."""
    x, y = np.radians(longitude), np.radians(latitude)
    return np.stack([np.cos(y) * np.cos(x), np.cos(y) * np.sin(x), np.sin(y)], axis=-1)


def distance_of_products_m(products: np.ndarray) -> np.ndarray:
    """Return the metres between points of the globe whose vectors have these products."""
    return EARTH_RADIUS_M * np.arccos(np.clip(products, -1, 1))
