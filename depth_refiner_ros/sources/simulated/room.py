"""Furnish a room: draw its size and style, place furniture, hang things, set the lights."""

from collections.abc import Callable
from dataclasses import dataclass, field
import math

from depth_refiner_ros.core.errors import InputError
from depth_refiner_ros.sources.simulated import furniture, storage, structures
from depth_refiner_ros.sources.simulated.lighting import Lamp, Lighting, Pane, Sun
from depth_refiner_ros.sources.simulated.materials import Kit, linear, Material
from depth_refiner_ros.sources.simulated.shapes import Mesh, Piece
import numpy as np

Maker = Callable[[Kit], Piece]


@dataclass(frozen=True, kw_only=True)
class CameraLook:
    """How the room's camera sees: its exposure target, colour balance and drift."""

    level: float
    balance_3: np.ndarray
    drift: float


@dataclass(frozen=True, kw_only=True)
class Room:
    """
    A furnished room; the map frame has z up and its origin in a corner on the floor.

    :param seed: what it was built from
    :param kind: living, bedroom, office, kitchen, storage, corridor or desktop
    :param size_3: width, depth and height in metres
    :param surface: all triangles
    :param focus_3: a point worth looking at from close by (the desktop's middle), or None
    """

    seed: int
    kind: str
    size_3: np.ndarray
    surface: Mesh
    materials: list[Material]
    lighting: Lighting
    look: CameraLook
    focus_3: np.ndarray | None

    def mesh(self) -> tuple[np.ndarray, np.ndarray]:
        """Give ``vertices_N3`` float32 metres and ``triangles_M3`` int32."""
        return self.surface.vertices_V3, self.surface.triangles_F3


def _dining(kit: Kit) -> Piece:
    """Put chairs around a table."""
    piece, chair = furniture.table(kit), furniture.chair(kit)
    top = piece.tops[0]
    for x, side in ((top.x0 / 2, -1), (top.x1 / 2, -1), (top.x0 / 2, 1), (top.x1 / 2, 1)):
        if kit.chance(0.75):
            y = side * (max(top.y1, 0.38) + kit.uniform(0.05, 0.3))
            piece.add(chair, (x, y, 0), yaw=(0 if side > 0 else math.pi) + kit.uniform(-0.3, 0.3))
    return piece


def _workplace(kit: Kit) -> Piece:
    """Put a chair in front of a desk."""
    piece = furniture.desk(kit)
    seat = furniture.office_chair(kit) if kit.chance(0.7) else furniture.chair(kit)
    piece.add(seat, (kit.uniform(-0.2, 0.2), piece.tops[0].y0 - kit.uniform(0.15, 0.5), 0),
              yaw=math.pi + kit.uniform(-0.7, 0.7))
    return piece


def _lounge(kit: Kit) -> Piece:
    """Put a low table in front of a sofa."""
    piece = furniture.sofa(kit)
    piece.add(furniture.coffee_table(kit), (0, -kit.uniform(1.0, 1.3), 0))
    return piece


_COMMON: tuple[Maker, ...] = (storage.floor_plant, storage.bin_, storage.cartons, storage.crate,
                              furniture.stool, storage.floor_lamp, furniture.chair)
_CATALOGUE: dict[str, tuple[tuple[Maker, ...], tuple[Maker, ...]]] = {
    'living': ((furniture.sofa, _lounge, storage.shelf, storage.cupboard, storage.chest,
                storage.floor_lamp, storage.floor_plant, furniture.sofa),
               (_dining, furniture.coffee_table, furniture.chair, *_COMMON)),
    'bedroom': ((furniture.bed, furniture.bed, storage.cupboard, storage.chest, storage.chest,
                 _workplace, storage.clothes_rack), (furniture.chair, furniture.stool, *_COMMON)),
    'office': ((_workplace, _workplace, _workplace, storage.shelf, storage.cupboard,
                storage.floor_plant), (furniture.office_chair, _dining, storage.column, *_COMMON)),
    'kitchen': ((storage.counter, storage.counter, storage.fridge, storage.cupboard,
                 storage.shelf), (_dining, _dining, furniture.stool, *_COMMON)),
    'storage': ((storage.shelf, storage.shelf, storage.cartons, storage.cupboard,
                 storage.bicycle, storage.clothes_rack),
                (storage.ladder, storage.cartons, storage.bicycle, storage.railing,
                 storage.column, *_COMMON)),
    'corridor': ((storage.shelf, storage.chest, furniture.stool, storage.floor_plant,
                  storage.cartons, storage.bicycle, storage.bin_),
                 (storage.column, storage.railing, storage.bin_)),
    'desktop': ((storage.shelf, storage.cupboard, storage.chest), (*_COMMON,)),
}


@dataclass
class _Plan:
    """What is taken: rectangles of the floor and intervals of the four walls."""

    size_3: np.ndarray
    floor: list[tuple[float, float, float, float]] = field(default_factory=list)
    walls: list[tuple[int, float, float, float, float]] = field(default_factory=list)

    def length(self, wall: int) -> float:
        return float(self.size_3[0] if wall % 2 == 0 else self.size_3[1])

    def pose(self, wall: int, along: float, inset: float) -> tuple[float, float, float]:
        """Give x, y and yaw of a thing whose back touches the wall at ``along``."""
        width, depth = float(self.size_3[0]), float(self.size_3[1])
        x, y = ((along, depth - inset), (inset, along), (along, inset),
                (width - inset, along))[wall]
        return x, y, (0.0, math.pi / 2, math.pi, -math.pi / 2)[wall]

    def wall_free(self, wall: int, s0: float, s1: float, z0: float, z1: float) -> bool:
        return all(wall != k or s1 < a or b < s0 or z1 < low or high < z0
                   for k, a, b, low, high in self.walls)

    def floor_free(self, box: tuple[float, float, float, float]) -> bool:
        x0, y0, x1, y1 = box
        inside = x0 >= 0 and y0 >= 0 and x1 <= self.size_3[0] and y1 <= self.size_3[1]
        return inside and all(x1 < a or c < x0 or y1 < b or d < y0 for a, b, c, d in self.floor)

    def covered(self) -> float:
        area = sum((c - a) * (d - b) for a, b, c, d in self.floor)
        return area / float(self.size_3[0] * self.size_3[1])


def _footprint(piece: Piece, x: float, y: float, yaw: float) -> tuple[float, float, float, float]:
    low, high = piece.bounds()
    corners = np.array([(a, b) for a in (low[0], high[0]) for b in (low[1], high[1])])
    turn = np.array([[math.cos(yaw), -math.sin(yaw)], [math.sin(yaw), math.cos(yaw)]])
    spread = corners @ turn.T + (x, y)
    return (float(spread[:, 0].min()), float(spread[:, 1].min()), float(spread[:, 0].max()),
            float(spread[:, 1].max()))


def _at_wall(kit: Kit, plan: _Plan, scene: Piece, piece: Piece, mounted: bool = False) -> bool:
    """Stand a piece with its back at a wall, or hang it; say whether a place was found."""
    low, high = piece.bounds()
    half = float(high[0] - low[0]) / 2
    middle = float(high[0] + low[0]) / 2
    for _ in range(8):
        wall = kit.integer(0, 3)
        if plan.length(wall) <= 2 * half + 0.1:
            continue
        along = kit.uniform(half + 0.05, plan.length(wall) - half - 0.05)
        span = (along - half, along + half, float(low[2]), float(high[2]))
        if not plan.wall_free(wall, *span):
            continue
        inset = 0.0 if mounted else float(high[1]) + kit.uniform(0.015, 0.06)
        x, y, yaw = plan.pose(wall, along, inset)
        if not mounted:
            box = _footprint(piece, x, y, yaw)
            if not plan.floor_free(box):
                continue
            plan.floor.append(box)
        plan.walls.append((wall, *span))
        shift = np.array([math.cos(yaw), math.sin(yaw)]) * (-middle)
        scene.add(piece, (x + float(shift[0]), y + float(shift[1]), 0), yaw=yaw)
        return True
    return False


def _on_floor(kit: Kit, plan: _Plan, scene: Piece, piece: Piece) -> bool:
    """Stand a piece freely on the floor; say whether a place was found."""
    for _ in range(6):
        yaw = kit.uniform(-math.pi, math.pi) if kit.chance(0.6) else math.pi / 2 * kit.integer(
            0, 3)
        x, y = (kit.uniform(0.2, float(side) - 0.2) for side in plan.size_3[:2])
        box = _footprint(piece, x, y, yaw)
        if plan.floor_free(box):
            plan.floor.append(box)
            scene.add(piece, (x, y, 0), yaw=yaw)
            return True
    return False


def _size(kit: Kit, kind: str) -> np.ndarray:
    height = kit.uniform(2.3, 3.5) if kit.chance(0.3) else kit.uniform(2.35, 2.8)
    if kind == 'corridor':
        sides = [kit.uniform(1.5, 2.6), kit.uniform(5.0, 9.0)]
        kit.rng.shuffle(sides)
        return np.array([*sides, height], np.float32)
    return np.array([kit.uniform(2.5, 7.0), kit.uniform(2.8, 9.0), height], np.float32)


def _openings(kit: Kit, plan: _Plan, scene: Piece, daylight: float) -> list[Pane]:
    """Put doors and windows into the walls; give the panes."""
    for _ in range(kit.integer(1, 2)):
        _at_wall(kit, plan, scene, structures.door(kit), mounted=True)
    panes = []
    for _ in range(kit.integer(0, 3)):
        wall, low = kit.integer(0, 3), kit.uniform(0.8, 1.1) if kit.chance(0.8) else 0.15
        high, width = low + kit.uniform(1.0, 1.3), kit.uniform(0.7, 2.0)
        if plan.length(wall) < width + 0.8 or high > plan.size_3[2] - 0.15:
            continue
        along = kit.uniform(width / 2 + 0.35, plan.length(wall) - width / 2 - 0.35)
        if not plan.wall_free(wall, along - width / 2 - 0.3, along + width / 2 + 0.3, low, high):
            continue
        plan.walls.append((wall, along - width / 2, along + width / 2, low - 0.1, high))
        x, y, yaw = plan.pose(wall, along, 0.0)
        scene.add(structures.window(kit, width, low, high, daylight), (x, y, 0), yaw=yaw)
        axis = 1 if wall % 2 == 0 else 0
        lows, highs = np.full(3, -1e3, np.float32), np.full(3, 1e3, np.float32)
        lows[[1 - axis, 2]], highs[[1 - axis, 2]] = (along - width / 2, low), (along + width / 2,
                                                                            high)
        panes.append(Pane(axis, (x, y)[axis], lows, highs))
    return panes


def _furnish(kit: Kit, plan: _Plan, scene: Piece, kind: str) -> None:
    """Fill walls, then the floor, until the drawn share of the floor is covered."""
    at_wall, free = _CATALOGUE[kind]
    share = kit.uniform(0.25, 0.6)
    for makers, place, goal, tries in ((at_wall, _at_wall, share * 0.75, 10),
                                       (free, _on_floor, share, 16)):
        for _ in range(tries):
            if plan.covered() > goal:
                break
            place(kit, plan, scene, makers[kit.integer(0, len(makers) - 1)](kit))
    hung = (structures.picture, structures.picture, structures.picture, structures.clock,
            structures.board, structures.wall_shelf)
    for _ in range(kit.integer(0, 7)):
        _at_wall(kit, plan, scene, hung[kit.integer(0, len(hung) - 1)](kit), mounted=True)
    if kit.chance(0.45):
        rug, (w, d) = Piece(), (kit.uniform(0.8, 1.6), kit.uniform(1.2, 2.2))
        palette = np.stack([kit.colour(((150, 40, 40), (30, 50, 90), (200, 180, 140),
                                        (60, 60, 60), (170, 120, 60))) for _ in range(4)])
        rug.box((0, 0, 0.005), (w, d, 0.01), kit.material(
            'rug', palette[0], palette[1], palette=palette, extent=(w, d),
            period_u=kit.uniform(0.1, 0.4)))
        scene.add(rug, (*(kit.uniform(0.3, 0.7) * float(s) for s in plan.size_3[:2]), 0),
                  yaw=kit.uniform(-0.3, 0.3))
    if kit.chance(0.25):
        x, y = (kit.uniform(0.5, float(s) - 0.5) for s in plan.size_3[:2])
        scene.add(structures.cable(kit, kit.uniform(0.3, 1.2)), (x, y, float(plan.size_3[2])))


def _desktop(kit: Kit, plan: _Plan, scene: Piece) -> np.ndarray:
    """Put a cluttered table into the middle and give the centre of its top."""
    maker = furniture.table if kit.chance(0.6) else furniture.desk
    piece = maker(kit, kit.uniform(20, 45))
    x, y = (kit.uniform(0.42, 0.58) * float(side) for side in plan.size_3[:2])
    yaw = kit.uniform(-math.pi, math.pi)
    plan.floor.append(_footprint(piece, x, y, yaw))
    scene.add(piece, (x, y, 0), yaw=yaw)
    return np.array([x, y, piece.tops[0].z])


def _lights(kit: Kit, plan: _Plan, scene: Piece, panes: list[Pane], daylight: float) -> Lighting:
    """Hang lamps, let sky and sun in; one light casts shadows, at times two."""
    lamps: list[Lamp] = []
    warm = np.array([1.0, kit.uniform(0.75, 0.97), kit.uniform(0.5, 0.95)], np.float32)
    sky = np.array([kit.uniform(0.8, 1.0), 0.95, 1.0], np.float32)
    count = kit.integer(1, 3) if not panes else kit.integer(0, 2)
    shadowed = 1 if kit.chance(0.8) else 2
    for _ in range(count):
        drop = 0.0 if kit.chance(0.6) else kit.uniform(0.4, 0.7)
        x, y = (kit.uniform(0.25, 0.75) * float(side) for side in plan.size_3[:2])
        height = float(plan.size_3[2])
        scene.add(structures.ceiling_lamp(kit, drop, kit.uniform(3, 8)), (x, y, height))
        place = np.array([x, y, height - drop - (0.35 if drop else 0.12)], np.float32)
        lamps.append(Lamp(place, warm * np.float32(kit.uniform(1.5, 5)), len(lamps) < shadowed))
    for pane in panes[:2]:
        centre = (np.maximum(pane.low_3, 0) + np.minimum(pane.high_3, plan.size_3)) / 2
        inward = 1 if pane.value < 0.1 else -1
        centre[pane.axis] = pane.value + 0.25 * inward
        lamps.append(Lamp(centre.astype(np.float32), sky * np.float32(
            kit.uniform(0.8, 1.8) * daylight), len(lamps) < shadowed))
    sun = None
    if panes and kit.chance(0.6):
        pane = panes[0]
        inward = 1 if pane.value < 0.1 else -1
        towards = np.zeros(3, np.float32)
        towards[pane.axis], towards[1 - pane.axis] = -inward, kit.uniform(-0.9, 0.9)
        towards[2] = kit.uniform(0.35, 1.1)
        sun = Sun(towards / np.linalg.norm(towards), np.array([1.0, 0.92, 0.78], np.float32)
                  * np.float32(kit.uniform(1.5, 5) * daylight), pane)
    total = sum(float(lamp.power_3.mean()) for lamp in lamps)
    ambient = np.float32(kit.uniform(0.06, 0.2) * max(total, 1)) * (warm + sky) / 2
    return Lighting(ambient.astype(np.float32), tuple(lamps), sun, plan.size_3)


def build_room(seed: int) -> Room:
    """
    Build the furnished room of a seed.

    :param seed: not negative; the same seed gives the same room bit for bit
    :raises InputError: where the seed is negative
    """
    if seed < 0:
        raise InputError(f'room seed {seed} is negative; give 0 or more')
    kit = Kit(np.random.default_rng([seed, 1]))
    kind = str(kit.rng.choice(list(_CATALOGUE), p=[.2, .15, .18, .14, .11, .08, .14]))
    plan, scene = _Plan(_size(kit, kind)), Piece()
    width, depth, height = (float(side) for side in plan.size_3)
    scene.add(structures.shell(kit, width, depth, height))
    daylight = kit.uniform(0.8, 3.0) if kit.chance(0.8) else 0.05
    panes = _openings(kit, plan, scene, daylight)
    focus = _desktop(kit, plan, scene) if kind == 'desktop' else None
    _furnish(kit, plan, scene, kind)
    lighting = _lights(kit, plan, scene, panes if daylight > 0.1 else [], daylight)
    if not lighting.lamps:
        centre = np.array([width / 2, depth / 2, height - 0.3], np.float32)
        lighting = Lighting(lighting.ambient_3, (Lamp(centre, linear((255, 240, 220)) * 3, True),),
                            None, lighting.size_3)
    look = CameraLook(level=kit.uniform(0.16, 0.3), drift=kit.uniform(0.5, 0.9),
                      balance_3=np.array([kit.uniform(0.85, 1.15), 1.0, kit.uniform(0.85, 1.15)],
                                         np.float32))
    return Room(seed=seed, kind=kind, size_3=plan.size_3, surface=scene.mesh(),
                materials=kit.materials, lighting=lighting, look=look, focus_3=focus)
