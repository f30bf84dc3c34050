"""The words from which customers and narratives are made: invented, and spread as people's are.

Lists go from the common to the rare; whoever draws from them squares a random number, so that the
first words come up often and the last ones seldom.
"""


def _apart(text: str) -> list[str]:
    return text.split()


FIRST_NAMES = _apart(
    "María José Guadalupe Juan Luis Carlos Ana Jorge Francisco Miguel Rosa Pedro Laura "
    "Alejandro Patricia Fernando Sofía Ricardo Mariana Eduardo Daniela Roberto Gabriela Javier "
    "Valeria Sergio Camila Raúl Ximena Óscar Regina Héctor Paola Andrés Natalia Diego Lucía "
    "Iván Renata Emilio Jimena Rodrigo Montserrat Gerardo Itzel Ángel Citlali Tomás Abril "
    "Benjamín Noemí Saúl Ofelia Nicolás Amparo Leonardo Graciela Esteban Zulema Fabián Yolanda "
    "Ulises Belén Genaro Dolores"
)
LAST_NAMES = _apart(
    "Hernández García Martínez López González Rodríguez Pérez Sánchez Ramírez Cruz Flores Gómez "
    "Morales Vázquez Reyes Jiménez Torres Díaz Gutiérrez Ruiz Mendoza Aguilar Ortiz Castillo "
    "Moreno Romero Álvarez Rivera Chávez Ramos Herrera Medina Juárez Domínguez Guzmán Vargas "
    "Castro Muñoz Velázquez Rojas Contreras Salazar Luna Ortega Guerrero Estrada Bautista "
    "Cortés Soto Alvarado Espinoza Lara Ríos Ávila Sandoval Solís Núñez Peña Delgado Carrillo "
    "Maldonado Cárdenas Miranda Ibarra Camacho Valdez Figueroa Serrano Cervantes Zamora Mejía "
    "Orozco Escobar Trejo Pacheco Montoya Zúñiga Bermúdez Quintero Arévalo Villaseñor Urrutia "
    "Echeverría Yáñez Bustamante Cifuentes"
)
MAIL_HOSTS = _apart("correo.example buzon.example casa.example trabajo.example")

OPENINGS = (
    "El cliente llama molesto porque",
    "Nos escribe para decir que",
    "La señora se presenta en mostrador y explica que",
    "Por segunda vez en la semana reporta que",
    "El huésped comenta, sin levantar la voz, que",
    "Envía fotografías y asegura que",
    "Dice que ya lo había avisado y que",
    "Según cuenta,",
    "Al llegar descubrió que",
    "Reclama por escrito que",
    "La familia completa esperó y al final",
    "Pide hablar con un responsable porque",
)
PROBLEMS = (
    "la habitación no estaba lista a la hora prometida",
    "el pedido llegó frío y con más de una hora de retraso",
    "faltaban dos platillos de la orden",
    "el aire acondicionado goteaba sobre la cama",
    "le cobraron dos veces la misma noche",
    "el repartidor no encontró el domicilio y canceló",
    "había ruido de obra desde las seis de la mañana",
    "el baño no tenía agua caliente",
    "la reservación no aparecía en el sistema",
    "el personal de recepción le habló de mal modo",
    "encontró un cabello en la comida",
    "la alberca estaba cerrada sin previo aviso",
    "el elevador no funcionaba y subió siete pisos con maletas",
    "las toallas estaban sucias",
    "la cuna que pidió para su bebé nunca llegó",
    "el desayuno incluido no se respetó",
    "recibió un producto distinto del que compró",
    "el empaque venía abierto y derramado",
    "el estacionamiento estaba lleno a pesar de haberlo pagado",
    "la televisión no encendía y nadie subió a revisarla",
    "le asignaron cuarto de fumadores siendo alérgica",
    "la cerradura electrónica falló de madrugada",
    "el traslado desde el aeropuerto no se presentó",
    "le negaron el descuento anunciado en la página",
    "el mesero derramó café sobre su saco",
    "había cucarachas en la cocineta",
    "la factura salió con los datos de otra empresa",
    "la promoción había vencido un día antes sin que se le dijera",
    "el repartidor pidió propina con insistencia",
    "el colchón estaba vencido y amaneció con dolor",
)
DETAILS = (
    "Habitación %s, piso alto.",
    "Esperó %s minutos sin que nadie le diera razón.",
    "Pagó %s pesos y quiere saber cómo se corrige.",
    "Viaja con %s personas mayores.",
    "Su reservación termina en %s.",
    "Ya había llamado %s veces.",
    "Menciona a la persona del turno de noche, gafete %s.",
    "Adjunta el comprobante número %s.",
    "Perdió su cita de las %s horas.",
    "El sabor correcto era el del combo %s.",
)
ITEMS = _apart(
    "maleta llave toalla cobija almohada plancha secadora cafetera caja fuerte control remoto "
    "hamburguesa ensalada sopa refresco postre malteada ceviche arepa bandeja empanada taco "
    "pozole chilaquiles jugo pan lavandería spa gimnasio terraza balcón vista regadera lavabo "
    "espejo lámpara enchufe cortina ventana alfombra silla escritorio teléfono internet "
    "contraseña pulsera brazalete bicicleta motocicleta mochila cubiertos servilletas salsa "
    "picante aderezo mantequilla queso camarón cacahuate gluten lactosa mariscos nuez fresa "
    "vainilla chocolate pastel vela globo flores aniversario cumpleaños boda graduación "
    "congreso junta vuelo autobús taxi peaje gasolina farmacia"
)
WISHES = (
    "Pide que se le devuelva el dinero.",
    "Solicita una disculpa por escrito.",
    "Quiere que alguien le llame hoy mismo.",
    "No pide nada, solo que no vuelva a pasar.",
    "Espera un cambio de habitación de inmediato.",
    "Sugiere que se le repita el envío sin costo.",
    "Dice que no piensa volver.",
    "Acepta un vale si es para usar pronto.",
    "Pregunta por el responsable del área.",
    "Advierte que lo contará en redes sociales.",
)
# Two of these make a product's or a place's name, rare enough to be searched for.
SYLLABLES = _apart("ba ce di fo gu la me ni po ru sa te vi xo zu cha lle bri tra que")

REASONS = {
    "room": ("Habitación", "Room", "ruido limpieza clima cerradura tardía"),
    "food": ("Alimentos", "Food", "fría faltante equivocada alergia derrame"),
    "staff": ("Trato", "Conduct", "grosero ausente lento presión"),
    "billing": ("Cobro", "Billing", "doble factura descuento propina"),
    "transport": ("Traslado", "Transport", "retraso perdido cancelado"),
    "booking": ("Reservación", "Booking", "extraviada sobreventa fechas"),
}
